"""What is measured of a GPU, cut into pieces of minutes, each kept in a file of its own."""

import csv
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from benchmarks.utils.machine import machine
from benchmarks.utils.measuring import ROOT
from callbacks.timing.clocks import clock_of
from lightning_app.runs.folder import Run, find_runs
from lightning_app.utils.json_csv import read_json, write_json

NETWORKS = ("unet", "attention_unet", "spp", "aspp")
GPU = ["--config", "gpu.yaml"]
# Each with all those before it.
LEVERS = {
    "float32": [],
    "bfloat16": ["--trainer.precision", "bf16-mixed"],
    "channels_last": ["--acceleration.channels_last", "true"],
    "cudnn_benchmark": ["--trainer.benchmark", "true"],
    "fused_adam": ["--optimizer.init_args.fused", "true"],
    "on_device": ["--data.on_device", "true"],
    "compiled": ["--acceleration.compile", "reduce-overhead"],
}
# What cuDNN has to try for each shape does not pay for four batches.
TEST = ["--trainer.benchmark", "false"]
SEEDS = 3


@dataclass(frozen=True)
class Size:
    """How large the work is; what is not given is the paper's.

    Attributes:
        width: channels of the networks' top level.
        epochs: of a full training.
        cases: of the phantom; 1,251 are 1000 to train, 125 to validate and 126 to test.
        lever_epochs: of a training for one lever.
        quality_epochs: of a training for the comparison of scores.
        side: of the matrices whose product gives the machine's peak.
    """

    width: int = 64
    epochs: int = 100
    cases: int = 1251
    lever_epochs: int = 4
    quality_epochs: int = 20
    side: int = 8192


@dataclass(frozen=True)
class Bench:
    """Where the pieces work and what on.

    Attributes:
        output: a JSON file for every piece that is done.
        work: phantom, slice cache and runs; no result.
        size: of the work.
    """

    output: Path
    work: Path
    size: Size

    def file(self, piece: str) -> Path:
        """What a piece found."""
        return self.output / f"{piece}.json"

    def run(self, piece: str) -> None:
        """Measure a piece, unless it is done."""
        if self.file(piece).is_file():
            return
        print(piece, flush=True)
        found = PIECES[piece](self)
        about = {"machine": machine(), "size": asdict(self.size)}
        write_json(self.file(piece), {**found, **about})

    @property
    def data(self) -> list[str]:
        """The options that name the phantom."""
        return [
            *("--data.root", str(self.work / "phantom")),
            *("--data.cache_dir", str(self.work / "cache")),
        ]


def make_data(bench: Bench) -> dict[str, Any]:
    """Write the phantom, of which the middle slices are used, and fill the slice cache."""
    phantom = ["--output", str(bench.work / "phantom"), "--cases", str(bench.size.cases)]
    written = _program("phantom", *phantom, "--depth", "3")
    prepared = _program("prepare", "--config", "unet_t1c.yaml", *bench.data)
    return {"written_seconds": written, "prepared_seconds": prepared}


def measure_peak(bench: Bench) -> dict[str, Any]:
    """The machine's own rate in bfloat16: of a matrix product, and of a large convolution."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    side = bench.size.side
    a, b = torch.randn(2, side, side, device=device, dtype=torch.bfloat16)
    batch, channels, pixels = 32, side // 32, 60
    shape = (batch, channels, pixels, pixels)
    image = torch.randn(shape, device=device, dtype=torch.bfloat16)
    image = image.to(memory_format=torch.channels_last)
    weight = torch.randn(channels, channels, 3, 3, device=device, dtype=torch.bfloat16)
    weight = weight.to(memory_format=torch.channels_last)
    convolution = partial(torch.nn.functional.conv2d, image, weight, padding=1)
    torch.backends.cudnn.benchmark = True
    return {
        "matrix_product": _rate(partial(torch.mm, a, b), 2 * side**3, device),
        "convolution": _rate(convolution, 2 * 9 * batch * pixels**2 * channels**2, device),
    }


def _rate(function: Callable[[], Tensor], operations: int, device: torch.device) -> float:
    """Operations a second in the best of some rounds."""
    clock = clock_of(device)
    calls = 20 if device.type == "cuda" else 1
    best = 0.0
    for _ in range(5):
        start = clock.timestamp()
        for _ in range(calls):
            function()
        best = max(best, calls * operations / clock.seconds(start, clock.timestamp()))
    return best


def train_fully(network: str, bench: Bench) -> dict[str, Any]:
    """The paper's training and test of a network with gpu.yaml."""
    return _train(bench, network, [*GPU], bench.size.epochs)


def pull_lever(lever: str, bench: Bench) -> dict[str, Any]:
    """A short training of the largest network with a lever and all those before it."""
    names = list(LEVERS)
    flags = [flag for name in names[: names.index(lever) + 1] for flag in LEVERS[name]]
    return _train(bench, "aspp", flags, bench.size.lever_epochs)


def compare_quality(flags: Sequence[str], seed: int, bench: Bench) -> dict[str, Any]:
    """A shorter training and its test, for the scores."""
    own = [*flags, "--seed_everything", str(seed)]
    return _train(bench, "aspp", own, bench.size.quality_epochs)


PIECES: dict[str, Callable[[Bench], dict[str, Any]]] = {
    "data": make_data,
    "peak": measure_peak,
    **{f"train_{network}": partial(train_fully, network) for network in NETWORKS},
    **{f"lever_{lever}": partial(pull_lever, lever) for lever in LEVERS},
    **{
        f"quality_{name}_{seed}": partial(compare_quality, flags, seed)
        for seed in range(SEEDS)
        for name, flags in (("float32", []), ("gpu", GPU))
    },
}


def _train(bench: Bench, network: str, flags: Sequence[str], epochs: int) -> dict[str, Any]:
    """Train and test through the command line; the run is then removed."""
    root = bench.work / "runs"
    shutil.rmtree(root, ignore_errors=True)  # of a piece that was killed
    place = ["--trainer.default_root_dir", str(root)]
    quiet = ["--trainer.logger", "false", "--trainer.enable_progress_bar", "false"]
    widths = [bench.size.width * 2**level for level in range(5)]
    size = ["--model.network.init_args.widths", str(widths), "--trainer.max_epochs", str(epochs)]
    fit = ["--config", f"{network}_t1c.yaml", *flags, *size, *bench.data, *quiet, *place]
    fit_seconds = _program("fit", *fit)
    test_seconds = _program("test", *TEST, *quiet, *place)
    (run,) = find_runs(root)
    found = {**read_run(run), "fit_seconds": fit_seconds, "test_seconds": test_seconds}
    shutil.rmtree(root)
    return found


def read_run(run: Run) -> dict[str, Any]:
    """What a run's files say of its times and scores.

    The first epoch has compilation in it, that of the last and smaller batch too; so rates are
    those of the others.
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
    """Run main.py and give the seconds that it took.

    Raises:
        RuntimeError: it failed; with the end of what it said.
    """
    began = perf_counter()
    done = subprocess.run(
        [sys.executable, str(ROOT / "main.py"), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)} failed:\n{done.stderr[-3000:]}")
    return perf_counter() - began
