"""Several devices: real processes, joined by gloo, against one."""

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from lightning_app.runs.folder import Run, find_runs
from lightning_app.runs.status import read_status
from tests.conftest import Program
from tests.helpers.paths import MAIN
from tests.helpers.waiting import TIMEOUT_S

SLICES = ["--data.slices", "all"]
# No batch normalisation, whose statistics are each device's own, a loss that is a mean over
# samples, and little rounding: with these the devices must come to the weights of a single one.
PLAIN = [
    "--model.network", "torch.nn.Conv2d", "--model.network.init_args.kernel_size", "3",
    "--model.network.init_args.padding", "same", "--model.loss", "torch.nn.BCEWithLogitsLoss",
    "--trainer.precision", "64-true", "--optimizer", "torch.optim.SGD", "--optimizer.lr", "0.1",
]  # fmt: skip

# Windows that are larger in validation and test, and a share of slices with tumour.
CHOSEN = [
    "--data.image_size", "[64,64]", "--data.window", "[32,48]", "--data.tumour_share", "0.5",
]  # fmt: skip


def start(*arguments: str, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(MAIN), *arguments],
        env={**os.environ, "OMP_NUM_THREADS": "1", **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process: subprocess.Popen[str], code: int = 0) -> str:
    output, _ = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == code, output
    return output


def fit(*arguments: str) -> list[str]:
    return ["fit", "--config", "attention_unet_t1c.yaml", "--config", "toy.yaml", *arguments]


def only_run(root: str) -> Run:
    (run,) = find_runs(Path(root))
    return run


def weights(run: Run) -> dict[str, Tensor]:
    content: dict[str, Tensor] = torch.load(run.last, weights_only=True)["state_dict"]
    return {k: v for k, v in content.items() if k.startswith("network")}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "tolerance"),
    # Images are augmented in float32, whose rounding depends on how many there are at once.
    [([], 1e-12), (CHOSEN, 1e-12), (["--data.augmentation", "strong"], 1e-7)],
)
def test_two_devices_come_to_the_weights_of_one(
    options: list[str], tolerance: float, program: Program
) -> None:
    flags = [
        *PLAIN,
        *SLICES,
        *options,
        "--trainer.max_epochs",
        "3",
    ]  # 48 slices in batches of 20: 20, 28
    flags += ["--data.batch_size", "20"]
    assert program("fit", *flags, "--trainer.default_root_dir", "one") == 0
    two = ["--trainer.devices", "2", "--trainer.default_root_dir", "two"]
    output = finish(start("fit", "--config", "unet_t1c.yaml", "--config", "toy.yaml", *flags, *two))

    assert output.count("Run: ") == 1
    one_run, two_run = only_run("one"), only_run("two")
    for name, value in weights(one_run).items():
        difference = (value - weights(two_run)[name]).abs().max()
        assert difference <= tolerance, name
    for one_row, two_row in zip(rows(one_run.metrics), rows(two_run.metrics), strict=True):
        for name in ("epoch", "step", "lr"):
            assert one_row[name] == two_row[name]
        for name in ("train/loss", "val/loss"):
            assert float(one_row[name]) == pytest.approx(float(two_row[name]), abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("options", [[], CHOSEN])
def test_a_test_on_two_devices_counts_what_one_does(options: list[str], program: Program) -> None:
    several = ["--data.split_sizes", "[6,1,7]", *SLICES, *options]  # 28 slices to test
    assert program("fit", *several) == 0
    run = only_run("runs")
    assert program("test", "--data.batch_size", "3") == 0
    own = {path.name: path.read_bytes() for path in run.test().path.iterdir()}
    two = ["--trainer.devices", "2", "--data.batch_size", "6"]
    output = finish(start("test", *two))

    assert output.count("dice_case_tumour") == 1
    for path in (run.test().cases, run.test().slices):
        assert path.read_bytes() == own[path.name], path.name
    metrics, of_one = map(json.loads, (run.test().metrics.read_bytes(), own["metrics.json"]))
    assert {**metrics, "date": None} == {**of_one, "date": None}
    assert len(rows(run.test().cases)) == 7


@pytest.mark.slow
@pytest.mark.parametrize(
    "callback", [[], ["--trainer.callbacks+=EMAWeightAveraging"]], ids=["plain", "averaged weights"]
)
def test_two_devices_are_stopped_and_resumed_exactly(program: Program, callback: list[str]) -> None:
    flags = [*SLICES, "--trainer.devices", "2", "--trainer.max_epochs", "40", *callback]
    finish(start(*fit(*flags, "--trainer.default_root_dir", "uninterrupted")))
    uninterrupted = only_run("uninterrupted")

    process = start(*fit(*flags))
    while not (find_runs(Path("runs")) and only_run("runs").metrics.exists()):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    output = finish(process, 143)
    run = only_run("runs")
    assert read_status(run)["status"] == "interrupted"
    assert output.count("To resume: ") == 1
    output = finish(start("fit", "--resume", "--trainer.devices", "2"))
    assert "Resuming after step" in output
    for name, value in weights(run).items():
        assert torch.equal(value, weights(uninterrupted)[name]), name
    assert run.metrics.read_bytes() == uninterrupted.metrics.read_bytes()


def test_two_nodes_through_torchrun(program: Program) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    nodes = [
        subprocess.Popen(
            [
                sys.executable, "-m", "torch.distributed.run", "--nnodes", "2",
                "--node-rank", str(rank), "--nproc-per-node", "1",
                "--master-addr", "127.0.0.1", "--master-port", str(port),
                str(MAIN), *fit(*SLICES, "--trainer.num_nodes", "2", "--trainer.devices", "1"),
            ],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(2)
    ]  # fmt: skip
    outputs = [finish(node) for node in nodes]
    assert sum(output.count("Run: ") for output in outputs) == 1
    assert read_status(only_run("runs"))["status"] == "finished"


def test_an_error_on_the_first_device_ends_the_others(program: Program) -> None:
    assert program("fit", "--trainer.max_epochs", "1") == 0  # fills the cache
    # The first slice has no tumour.
    only = ["--data.split_sizes", "[10,2,2]", "--data.slices", "[0]"]
    output = finish(start(*fit(*only, "--trainer.devices", "2")), 2)
    assert "the validation split has no pixel of target 'whole'" in output
    assert "Stopped" not in output  # the other one's end is nobody's concern


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--trainer.devices", "3"], "data.batch_size is 4, expected a multiple of the 3 devices"),
        (["--trainer.num_nodes", "3"], "expected a multiple of the 3 devices"),
    ],
)
def test_a_batch_that_cannot_be_dealt_out_is_refused_before_any_work(
    flags: list[str], words: str, program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("fit", *flags) == 2
    assert words in capsys.readouterr().err
    assert not Path("runs").exists()


def test_predict_is_for_one_device(
    program: Program, toy_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("fit") == 0
    place: list[Any] = ["--input", str(next(toy_root.iterdir())), "--output", "masks"]
    assert program("predict", *place, "--trainer.devices", "2") == 2
    assert "predict on 2 devices, expected trainer.devices 1" in capsys.readouterr().err
    assert json.loads(only_run("runs").status.read_text("utf-8"))["status"] == "finished"
