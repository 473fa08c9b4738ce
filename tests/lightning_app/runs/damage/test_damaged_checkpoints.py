"""Damaged checkpoints and records of a run: one line, exit code 2, and the run stays as it was."""

import math
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from lightning_app.runs.folder import Run, find_runs
from tests.conftest import Program
from tests.helpers.toy import BRATS_2023, write_case

Content = dict[str, Any]
WEIGHT = "network.head.weight"


@pytest.fixture
def run(program: Program, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that was killed before its third epoch."""
    made = tmp_path_factory.getbasetemp() / "damaged_checkpoints"  # once for all tests of a process
    if not made.exists():
        assert program("fit", "--trainer.max_epochs", "2") == 0
        (trained,) = find_runs(Path("runs"))
        trained.status.write_text('{"status": "interrupted"}', "utf-8")
        config = trained.config.read_text("utf-8")
        trained.config.write_text(config.replace("max_epochs: 2", "max_epochs: 3"), "utf-8")
        shutil.copytree("runs", made)
        shutil.rmtree("runs")
    shutil.copytree(made, "runs")
    (copy,) = find_runs(Path("runs"))
    return copy


def files_of(run: Run) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}


def check_refused(
    command: str, words: str, program: Program, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files_of(run)
    capsys.readouterr()

    assert program(*COMMANDS[command]) == 2

    lines = capsys.readouterr().err.splitlines()
    (line,) = [line for line in lines if not line.startswith("warning: ")]
    assert re.search(f"^error: .*{words}", line), line
    assert files_of(run) == before


COMMANDS = {
    "fit": ("fit", "--resume"),
    "test": ("test",),
    "validate": ("validate",),
    "predict": ("predict", "--input", "case", "--output", "labels"),
}


def rewrite(path: Path, change: Callable[[Content], object]) -> None:
    content = torch.load(path, weights_only=True)
    change(content)
    torch.save(content, path)


def put(*keys: Any, value: Any) -> Callable[[Content], object]:
    """Set the value below some keys."""

    def change(content: Content) -> None:
        inner: Any = content
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = value

    return change


def drop(*keys: Any) -> Callable[[Content], object]:
    """Delete what lies below some keys."""

    def change(content: Content) -> None:
        inner: Any = content
        for key in keys[:-1]:
            inner = inner[key]
        del inner[keys[-1]]

    return change


def state(name: str, value: Any) -> Callable[[Content], object]:
    """Set a value in the state of a callback, by the beginning of its key."""

    def change(content: Content) -> None:
        (key,) = (key for key in content["callbacks"] if key.startswith(name))
        content["callbacks"][key] = value

    return change


def quantise(content: Content) -> None:
    weight = torch.quantize_per_tensor(torch.ones(1, 4, 1, 1), 0.1, 0, torch.qint8)
    content["state_dict"][WEIGHT] = weight


LOOP = ("loops", "fit_loop")
EPOCHS = (*LOOP, "epoch_progress")
STEPS = (*LOOP, "epoch_loop.automatic_optimization.optim_progress", "optimizer", "step", "total")
ADAM = ("optimizer_states", 0, "state", 0)

# What a checkpoint may hold, the words of the error.
WEIGHTS: dict[str, tuple[Callable[[Content], object], str]] = {
    "no state_dict": (drop("state_dict"), "no state_dict"),
    "a state_dict that is a list": (put("state_dict", value=[]), "no state_dict"),
    "a missing weight": (drop("state_dict", WEIGHT), "head.weight is absent"),
    "one weight more": (put("state_dict", "network.x", value=torch.ones(1)), "expected absent"),
    "a weight that is text": (put("state_dict", WEIGHT, value="x"), "no state_dict"),
    "another shape": (put("state_dict", WEIGHT, value=torch.ones(3)), r"of size \[3\]"),
    "whole numbers": (
        put("state_dict", WEIGHT, value=torch.ones(1, 4, 1, 1, dtype=torch.int64)),
        "whole numbers in the file, expected .* floats",
    ),
    "complex numbers": (
        put("state_dict", WEIGHT, value=torch.ones(1, 4, 1, 1, dtype=torch.complex64)),
        "complex numbers",
    ),
    "sparse": (put("state_dict", WEIGHT, value=torch.ones(1, 4, 1, 1).to_sparse()), "sparse"),
    "quantised": (quantise, "quantised"),
    "without values": (
        put("state_dict", WEIGHT, value=torch.ones(1, 4, 1, 1, device="meta")),
        "meta",
    ),
    "NaN": (put("state_dict", WEIGHT, value=torch.full((1, 4, 1, 1), math.nan)), "in 4 values"),
    "infinite": (put("state_dict", WEIGHT, value=torch.full((1, 4, 1, 1), math.inf)), "infinite"),
    "a later format": (put("format", value=99), "by a later version"),
    "a format that is text": (put("format", value="x"), "of format x"),
}
STATES: dict[str, tuple[Callable[[Content], object], str]] = {
    "no epoch": (drop("epoch"), "epoch.* is missing"),
    "no step": (drop("global_step"), "global_step.* is missing"),
    "no version": (drop("pytorch-lightning_version"), "version of Lightning"),
    "a version that is none": (put("pytorch-lightning_version", value="x"), "version of Light"),
    "no loops": (drop("loops"), "loops.* is missing"),
    "loops that are a list": (put("loops", value=[]), "count of epochs and steps"),
    "no loop of fit": (drop(*LOOP), "fit_loop.* is missing"),
    "no count of epochs": (drop(*EPOCHS), "epoch_progress.* is missing"),
    "half a count of epochs": (drop(*EPOCHS, "total"), "total.* is missing"),
    "a count that is text": (put(*EPOCHS, "current", "ready", value="x"), "ready is 'x'"),
    "a negative epoch": (put("epoch", value=-5), "epoch is -5"),
    "a negative epoch everywhere": (
        lambda c: (c.update(epoch=-5), put(*EPOCHS, "current", "completed", value=-5)(c)),
        "completed is -5",
    ),
    "a huge step": (put("global_step", value=10**30), "global_step is 1000"),
    "a huge step everywhere": (
        lambda c: (c.update(global_step=10**30), put(*STEPS, "completed", value=10**30)(c)),
        "completed is 1000",
    ),
    "no callbacks": (drop("callbacks"), "callbacks.* is missing"),
    "callbacks that are a number": (put("callbacks", value=3), "int.* has no attribute"),
    "half the best epoch": (state("BestCheckpoint", {"monitor": "x"}), "BestCheckpoint is damaged"),
    "a score that is text": (
        state("MetricsCSV", {"validation": {"val/dice": "x"}}), "MetricsCSV is damaged"
    ),
    "random states that are text": (put("random_states", value=["x"]), "RandomStates is damaged"),
    "a random state of another size": (
        put("random_states", 0, "torch", value=torch.zeros(3, dtype=torch.uint8)),
        "RandomStates is damaged",
    ),
    "times that are text": (put("timing", "before", "training", value="x"), "Timing is damaged"),
    "no state of the optimizer": (drop("optimizer_states"), "optimizer_states.* is missing"),
    "two optimizers": (lambda c: c["optimizer_states"].append({}), "too many values"),
    "an optimizer without groups": (
        drop("optimizer_states", 0, "param_groups"), "param_groups.* is missing"
    ),
    "a moment of another shape": (put(*ADAM, "exp_avg", value=torch.ones(7)), "the optimizer is"),
    "a moment that is sparse": (
        put(*ADAM, "exp_avg", value=torch.ones(4, 1, 3, 3).to_sparse()), "the optimizer is"
    ),
    "a moment that is NaN": (
        put(*ADAM, "exp_avg", value=torch.full((4, 1, 3, 3), math.nan)), "NaN or infinite"
    ),
    "a missing moment": (drop(*ADAM, "exp_avg_sq"), "exp_avg_sq.* is missing"),
    "a rate that is text": (
        put("optimizer_states", 0, "param_groups", 0, "lr", value="x"), "the optimizer is"
    ),
    "no schedule": (drop("lr_schedulers"), "lr_schedulers.* is missing"),
    "an empty schedule": (put("lr_schedulers", value=[]), "holds 0, expected 1"),
    "a schedule that is text": (put("lr_schedulers", 0, "T_cur", value="x"), "T_cur is 'x'"),
    "a schedule of NaN": (put("lr_schedulers", 0, "T_i", value=math.nan), "T_i is nan"),
}  # fmt: skip
OF_TEST: dict[str, tuple[Callable[[Content], object], str]] = {
    "no epoch": (drop("epoch"), "its epoch is None"),
    "a negative epoch": (put("epoch", value=-5), "its epoch is -5"),
    "a huge epoch": (put("epoch", value=10**30), "its epoch is 1000"),
    "no scores": (drop("scores"), "its scores are None"),
    "a score that is text": (put("scores", value={"val/dice": "x"}), "its scores are"),
}


def packed(path: Path) -> None:
    """Compress the records of a checkpoint, one of which unpacks to a thousand times its size."""
    with zipfile.ZipFile(path) as archive:
        records = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in records.items():
            archive.writestr(name, content)
        archive.writestr("archive/data/more", bytes(10**7))


def pickle_before_a_zip(path: Path) -> None:
    """A file that torch takes for a plain pickle, and the zip module for a zip file."""
    stored = path.read_bytes()
    torch.save({"state_dict": {}}, path, _use_new_zipfile_serialization=False)
    path.write_bytes(path.read_bytes() + stored)


def another_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("hello.txt", "hello")


class Code:
    """Runs code when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("was_run"),)


FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "cut short": (lambda p: p.write_bytes(p.read_bytes()[:1000]), "may be damaged"),
    "without its end": (lambda p: p.write_bytes(p.read_bytes()[:-100]), "may be damaged"),
    "empty": (lambda p: p.write_bytes(b""), "may be damaged"),
    "text": (lambda p: p.write_text("checkpoint", "utf-8"), "may be damaged"),
    "a zip file of something else": (another_zip, "may be damaged"),
    "compressed": (packed, "expected records without compression"),
    "a pickle before a zip file": (pickle_before_a_zip, "it is not a zip file"),
    "a list": (lambda p: torch.save([1], p), "not a checkpoint"),
    "code": (lambda p: torch.save({"state_dict": Code()}, p), "not data but code"),
}


def of_both(run: Run, change: Callable[[Content], object]) -> None:
    for path in (run.last, run.best):
        rewrite(path, change)


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor", "ignore:TypedStorage is deprec")
@pytest.mark.parametrize("command", ["fit", "validate"])
@pytest.mark.parametrize("variant", WEIGHTS)
def test_weights_that_are_damaged(
    variant: str, command: str, program: Program, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    change, words = WEIGHTS[variant]
    of_both(run, change)

    check_refused(command, words, program, run, capsys)


@pytest.mark.parametrize("variant", STATES)
def test_a_state_that_cannot_be_resumed_from(
    variant: str, program: Program, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    change, words = STATES[variant]
    rewrite(run.last, change)

    check_refused("fit", words, program, run, capsys)


@pytest.mark.parametrize("command", ["test", "validate"])
def test_weights_are_enough_for_all_commands_but_fit(
    command: str, program: Program, run: Run
) -> None:
    kept = ("state_dict", "epoch", "scores")
    content = torch.load(run.best, weights_only=True)
    torch.save({key: content[key] for key in kept}, run.best)

    assert program(command) == 0


@pytest.mark.parametrize("variant", OF_TEST)
def test_what_a_test_records_of_its_checkpoint(
    variant: str, program: Program, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    change, words = OF_TEST[variant]
    of_both(run, change)

    check_refused("test", words, program, run, capsys)


@pytest.mark.parametrize("variant", FILES)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_that_is_no_checkpoint(
    command: str, variant: str, program: Program, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    write_case(Path("case").absolute(), "BraTS-GLI-00000-000", names=BRATS_2023)
    damage, words = FILES[variant]
    for path in (run.last, run.best):
        damage(path)

    check_refused(command, words, program, run, capsys)
    assert not Path("was_run").exists()
    assert not Path("labels").exists()


RECORDS: dict[str, tuple[str, Callable[[Run], object], str]] = {
    f"{name} of {command}": (command, damage, words)
    for command in ("fit", "test", "predict")
    for name, damage, words in (
        ("empty environment", lambda run: run.environment.write_bytes(b""), "environment.json"),
        ("environment without data", lambda run: run.environment.write_text("{}"), "'data' is mis"),
    )
} | {
    f"metrics.csv: {text!r}": (
        "fit", lambda run, text=text: run.metrics.write_bytes(text), "metrics.csv' is damaged"
    )
    for text in (b"", b"garbage", b"\xff\xfe\x00", b"epoch,step\n0,x\n", b"epoch,step\n0\n")
}  # fmt: skip


@pytest.mark.parametrize("variant", RECORDS)
def test_a_record_that_is_damaged(
    variant: str, program: Program, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    command, damage, words = RECORDS[variant]
    damage(run)

    check_refused(command, words, program, run, capsys)


@pytest.mark.filterwarnings("ignore:Be aware that when using `ckpt_path`")
def test_the_state_of_a_callback_that_is_no_longer_there_is_ignored(
    program: Program, run: Run
) -> None:
    of_both(run, put("callbacks", "Gone", value={"x": 1}))

    assert program("fit", "--resume") == 0
