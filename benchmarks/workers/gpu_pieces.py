"""The GPU benchmark in pieces of minutes; each stores its results in its own file."""

import csv
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from benchmarks.utils.machine import describe_machine
from benchmarks.utils.measuring import ROOT, run_process
from callbacks.timing.clocks import clock_of
from lightning_app.runs.folder import Run, find_runs
from lightning_app.utils.json_csv import read_json, write_json

NETWORKS = ("unet", "attention_unet", "spp", "aspp")
GPU = ["--config", "gpu.yaml"]
WINDOW = ["--data.window", "auto"]
# Each is measured together with all those before it.
OPTIMISATIONS = {
    "float32": [],
    "bfloat16": ["--trainer.precision", "bf16-mixed"],
    "channels_last": ["--acceleration.channels_last", "true"],
    "cudnn_benchmark": ["--trainer.benchmark", "true"],
    "fused_adam": ["--optimizer.init_args.fused", "true"],
    "on_device": ["--data.on_device", "true"],
    "compiled": ["--acceleration.compile", "default"],
    "cuda_graphs": ["--acceleration.compile", "reduce-overhead"],
}
# A test has four batches: too few for cuDNN's search for the best algorithms to pay off.
TEST = ["--trainer.benchmark", "false"]
SEEDS = 3


@dataclass(frozen=True)
class Size:
    """How large the work is; the defaults are the paper's.

    Attributes:
        width: channels of the networks' top level.
        epochs: epochs of a full training.
        cases: cases of the phantom; 1,251 are 1000 for training, 125 for validation, 126 for test.
        optimisation_epochs: epochs of a training that measures an optimisation.
        quality_epochs: epochs of a training that compares scores.
        matrix_size: rows of the square matrices whose product measures the peak.
    """

    width: int = 64
    epochs: int = 100
    cases: int = 1251
    optimisation_epochs: int = 4
    quality_epochs: int = 20
    matrix_size: int = 8192


@dataclass(frozen=True)
class Bench:
    """Runs pieces and stores their results.

    Attributes:
        output: folder of the results, a JSON file for every finished piece.
        work: folder of the phantom, the slice cache and the runs.
        size: how large the work is.
    """

    output: Path
    work: Path
    size: Size = field(default_factory=Size)

    def run(self, piece: str) -> None:
        """Measure a piece, unless its results are stored already."""
        file = self.output / f"{piece}.json"
        if file.is_file():
            return
        print(piece, flush=True)
        results = PIECES[piece](self)
        about = {"machine": describe_machine(), "size": asdict(self.size)}
        write_json(file, {**results, **about})

    @property
    def data(self) -> list[str]:
        """The options that name the phantom."""
        return [
            *("--data.root", str(self.work / "phantom")),
            *("--data.cache_dir", str(self.work / "cache")),
        ]


def make_data(bench: Bench) -> dict[str, Any]:
    """Write the phantom, whose middle slices are used, and fill the slice cache."""
    phantom = ["--output", str(bench.work / "phantom"), "--cases", str(bench.size.cases)]
    written = _program("phantom", *phantom, "--depth", "3")
    prepared = _program("prepare", "--config", "unet_t1c.yaml", *bench.data)
    return {"written_seconds": written, "prepared_seconds": prepared}


def measure_peak(bench: Bench) -> dict[str, Any]:
    """The GPU's rate in bfloat16, in operations a second: a matrix product, a convolution."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    size = bench.size.matrix_size
    a, b = torch.randn(2, size, size, device=device, dtype=torch.bfloat16)
    batch, channels, pixels = 32, size // 32, 60
    shape = (batch, channels, pixels, pixels)
    image = torch.randn(shape, device=device, dtype=torch.bfloat16)
    image = image.to(memory_format=torch.channels_last)
    weight = torch.randn(channels, channels, 3, 3, device=device, dtype=torch.bfloat16)
    weight = weight.to(memory_format=torch.channels_last)
    convolution = partial(torch.nn.functional.conv2d, image, weight, padding=1)
    torch.backends.cudnn.benchmark = True
    return {
        "matrix_product": _rate(partial(torch.mm, a, b), 2 * size**3, device),
        "convolution": _rate(convolution, 2 * 9 * batch * pixels**2 * channels**2, device),
    }


def _rate(function: Callable[[], Tensor], operations: int, device: torch.device) -> float:
    """Operations a second, the best of five rounds."""
    clock = clock_of(device)
    calls = 20 if device.type == "cuda" else 1
    best = 0.0
    for _ in range(5):
        start = clock.timestamp()
        for _ in range(calls):
            function()
        best = max(best, calls * operations / clock.seconds(start, clock.timestamp()))
    return best


def train_fully(network: str, flags: Sequence[str], bench: Bench) -> dict[str, Any]:
    """The paper's training and test of a network, with gpu.yaml."""
    return _train(bench, network, [*GPU, *flags], bench.size.epochs)


def measure_optimisation(name: str, bench: Bench) -> dict[str, Any]:
    """A short training of the largest network with an optimisation and all those before it."""
    names = list(OPTIMISATIONS)
    enabled = names[: names.index(name) + 1]
    flags = [flag for optimisation in enabled for flag in OPTIMISATIONS[optimisation]]
    return _train(bench, "aspp", flags, bench.size.optimisation_epochs)


def compare_quality(flags: Sequence[str], seed: int, bench: Bench) -> dict[str, Any]:
    """A shorter training and its test, for the scores."""
    seeded = [*flags, "--seed_everything", str(seed)]
    return _train(bench, "aspp", seeded, bench.size.quality_epochs)


PIECES: dict[str, Callable[[Bench], dict[str, Any]]] = {
    "data": make_data,
    "peak": measure_peak,
    **{f"train_{network}": partial(train_fully, network, ()) for network in NETWORKS},
    **{f"window_{network}": partial(train_fully, network, WINDOW) for network in NETWORKS},
    **{f"optimisation_{name}": partial(measure_optimisation, name) for name in OPTIMISATIONS},
    **{
        f"quality_{name}_{seed}": partial(compare_quality, flags, seed)
        for seed in range(SEEDS)
        for name, flags in (("float32", []), ("gpu", GPU))
    },
}


def _train(bench: Bench, network: str, flags: Sequence[str], epochs: int) -> dict[str, Any]:
    """Train and test through the command line, and remove the run."""
    root = bench.work / "runs"
    shutil.rmtree(root, ignore_errors=True)  # left by a piece that was killed
    common = [
        *("--trainer.default_root_dir", str(root)),
        *("--trainer.logger", "false", "--trainer.enable_progress_bar", "false"),
    ]
    widths = [bench.size.width * 2**level for level in range(5)]
    size = ["--model.network.init_args.widths", str(widths), "--trainer.max_epochs", str(epochs)]
    config = ["--config", f"{network}_t1c.yaml"]
    fit_seconds = _program("fit", *config, *flags, *size, *bench.data, *common)
    test_seconds = _program("test", *TEST, *common)
    (run,) = find_runs(root)
    results = {**read_run(run), "fit_seconds": fit_seconds, "test_seconds": test_seconds}
    shutil.rmtree(root)
    return results


def read_run(run: Run) -> dict[str, Any]:
    """The times and scores in a run's files.

    The first epoch is kept apart from the others, from which rates are computed: it includes the
    compilation of the network.
    """
    timing = read_json(run.timing)
    with run.metrics.open(newline="", encoding="utf-8") as file:
        *_, last = csv.DictReader(file)
    test = run.test()
    return {
        "first": timing["by_epoch"][0],
        "others": timing["by_epoch"][1:],
        "multiply_adds": read_json(run.network)["multiply_adds"],
        "train_loss": float(last["train/loss"]),
        "test": read_json(test.timing),
        "dice": read_json(test.metrics)["scores"]["whole"]["dice"]["value"],
    }


def _program(*arguments: str) -> float:
    """Run main.py and return the seconds that it took.

    Raises:
        RuntimeError: it failed; the message holds the end of its standard error.
    """
    start = perf_counter()
    run_process([sys.executable, str(ROOT / "main.py"), *arguments])
    return perf_counter() - start
