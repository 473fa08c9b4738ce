"""Signals, a diverged loss and lack of memory: what is kept, and the message."""

import multiprocessing
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from callbacks.utils.trainer import attributes
from data_modules.dataset import SliceDataset
from lightning_app.runs.folder import Run, find_runs
from lightning_app.runs.status import read_status
from lightning_app.task import SegmentationTask
from tests.conftest import Program
from tests.helpers.paths import MAIN
from tests.helpers.waiting import TIMEOUT_S, wait_until

pytestmark = pytest.mark.usefixtures("default_signals")

SIZE = ["--trainer.max_epochs", "3", "--data.flip", "true"]  # three batches an epoch

Step = Callable[..., Tensor]


def only_run() -> Run:
    (run,) = find_runs(Path("runs"))
    return run


def weights(run: Run) -> dict[str, Tensor]:
    content: dict[str, Tensor] = torch.load(run.last, weights_only=True)["state_dict"]
    return content


def same(own: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return own.keys() == other.keys() and all(torch.equal(own[name], other[name]) for name in own)


def before_step(
    monkeypatch: pytest.MonkeyPatch, steps: set[int], act: Callable[[], object], what: str
) -> None:
    """Do something once before the training or validation steps that begin at some global steps."""
    original: Any = getattr(SegmentationTask, what)
    left = set(steps)

    def step(self: SegmentationTask, *arguments: Any) -> Any:
        if self.global_step in left:
            left.remove(self.global_step)
            act()
        return original(self, *arguments)

    monkeypatch.setattr(SegmentationTask, what, step)


def send(number: signal.Signals) -> Callable[[], None]:
    return lambda: os.kill(os.getpid(), number)


@pytest.mark.parametrize(
    ("number", "what", "at", "stops_after"),
    [
        (signal.SIGTERM, "training_step", 1, 2),
        (signal.SIGINT, "training_step", 3, 4),
        (signal.SIGTERM, "training_step", 5, 6),  # the last batch of an epoch: when it has ended
        (signal.SIGINT, "validation_step", 3, 3),
        (signal.SIGHUP, "training_step", 1, 2),
        (signal.SIGXCPU, "training_step", 1, 2),
    ],
)
def test_a_signal_saves_first_and_the_run_goes_on_to_the_same_weights(
    number: signal.Signals,
    what: str,
    at: int,
    stops_after: int,
    program: Program,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert program("fit", *SIZE, "--trainer.default_root_dir", "uninterrupted") == 0
    (uninterrupted,) = find_runs(Path("uninterrupted"))
    handlers = signal.getsignal(number)
    with monkeypatch.context() as patch:
        before_step(patch, {at}, send(number), what)
        assert program("fit", *SIZE) == 128 + number
    assert signal.getsignal(number) == handlers

    run = only_run()
    assert torch.load(run.last, weights_only=True)["global_step"] == stops_after
    assert read_status(run)["status"] == "interrupted"
    assert f"python main.py fit --resume {run.path}" in capsys.readouterr().err
    assert program("fit", "--resume") == 0
    assert same(weights(run), weights(uninterrupted))
    assert run.metrics.read_bytes() == uninterrupted.metrics.read_bytes()


def test_a_signal_that_was_ignored_at_the_start_stays_ignored(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        before_step(monkeypatch, {1}, send(signal.SIGHUP), "training_step")
        assert program("fit", *SIZE) == 0
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def endless_training(*flags: str) -> list[str]:
    configs = ["--config", "unet_t1c.yaml", "--config", "toy.yaml"]
    endless = ["--trainer.max_epochs", "100000", "--data.num_workers", "1"]
    return [sys.executable, str(MAIN), "fit", *configs, *endless, *flags]


def wait_for_an_epoch(read_output: Callable[[], object] = lambda: None) -> None:
    def is_written() -> bool:
        read_output()
        return any(Path("runs").glob("*/*/metrics.csv"))

    wait_until(is_written)


def test_a_closed_terminal_saves_and_stops(program: Program) -> None:
    process, terminal = pty.fork()
    if process == 0:
        os.execv(sys.executable, endless_training("--trainer.enable_progress_bar", "true"))  # noqa: S606
    os.set_blocking(terminal, False)

    def read_output() -> None:
        with suppress(BlockingIOError):
            os.read(terminal, 1 << 16)

    try:
        wait_for_an_epoch(read_output)
    finally:
        os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 128 + signal.SIGHUP
    run = only_run()
    assert read_status(run)["status"] == "interrupted"
    assert torch.load(run.last, weights_only=True)["global_step"] > 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGXCPU, signal.SIGUSR1]
)
def test_workers_leave_a_signal_to_all_processes_to_their_parent(
    number: signal.Signals, program: Program
) -> None:
    process = subprocess.Popen(endless_training(), start_new_session=True)
    wait_for_an_epoch()
    if number == signal.SIGUSR1:  # SLURM warns all processes, and the parent handles it
        for child in _children(process.pid):
            os.kill(child, number)
        time.sleep(1)
        assert process.poll() is None
        process.terminate()
        number = signal.SIGTERM
    else:
        os.killpg(process.pid, number)
    assert process.wait(TIMEOUT_S) == 128 + number
    assert read_status(only_run())["status"] == "interrupted"


def _children(process: int) -> list[int]:
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process)], capture_output=True, text=True, check=True
    )
    return [int(child) for child in listed.stdout.split()]


def test_a_second_ctrl_c_stops_at_once(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    def twice() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    before_step(monkeypatch, {4}, twice, "training_step")
    assert program("fit", *SIZE) == 130
    run = only_run()
    assert torch.load(run.last, weights_only=True)["global_step"] == 3
    assert read_status(run)["status"] == "interrupted"


def test_slurm_s_warning_saves_and_requeues_through_lightning(
    program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert program("fit", *SIZE, "--trainer.default_root_dir", "uninterrupted") == 0
    (uninterrupted,) = find_runs(Path("uninterrupted"))
    scontrol = tmp_path / "bin" / "scontrol"
    scontrol.parent.mkdir()
    scontrol.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\n', encoding="utf-8")
    scontrol.chmod(0o755)
    job = {
        "PATH": f"{scontrol.parent}:{os.environ['PATH']}", "SLURM_JOB_ID": "4711",
        "SLURM_NTASKS": "1", "SLURM_JOB_NAME": "train", "SLURM_PROCID": "0", "SLURM_LOCALID": "0",
        "SLURM_NODEID": "0", "SLURM_NODELIST": "localhost", "SLURM_NTASKS_PER_NODE": "1",
    }  # fmt: skip
    for name, value in job.items():
        monkeypatch.setenv(name, value)
    with monkeypatch.context() as patch:  # the warning, and a batch later the end
        before_step(patch, {3}, send(signal.SIGUSR1), "training_step")
        before_step(patch, {4}, send(signal.SIGTERM), "validation_step")
        before_step(patch, {4}, send(signal.SIGTERM), "training_step")
        assert program("fit", *SIZE) == 143

    run = only_run()
    assert (tmp_path / "calls").read_text("utf-8").split() == ["requeue", "4711"]
    assert sorted(path.name for path in run.checkpoints.iterdir()) == ["best.ckpt", "last.ckpt"]
    assert not list(run.path.glob("hpc*"))
    assert read_status(run)["job"] == "4711"
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    assert program("fit", *SIZE) == 0  # the same command line as the job
    assert only_run() == run
    assert same(weights(run), weights(uninterrupted))


@pytest.mark.parametrize("bad", [0, 4])
def test_a_loss_that_is_nan_stops_the_run_and_keeps_the_checkpoint_before(
    bad: int,
    program: Program,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    original = SegmentationTask.training_step
    seen: list[set[str]] = []

    def step(self: SegmentationTask, batch: Any, batch_idx: int) -> Tensor:
        loss = original(self, batch, batch_idx)
        if self.global_step == bad:
            data: Any = attributes(self.trainer).datamodule
            cases = data.datasets["train"]
            seen.append({cases.cases[cases.case_index[i]].id for i in batch["sample"].tolist()})
            return loss * float("nan")
        return loss

    monkeypatch.setattr(SegmentationTask, "training_step", step)
    assert program("fit", *SIZE) == 2
    line = next(ln for ln in capsys.readouterr().err.splitlines() if ln.startswith("error: "))
    assert f"batch {bad % 3} is no longer finite (step {bad + 1}, epoch {bad // 3 + 1})" in line
    assert f"the cases in it: {', '.join(sorted(seen[0]))}." in line
    run = only_run()
    assert read_status(run)["status"] == "failed"
    assert run.last.exists() == (bad > 3)
    if run.last.exists():
        assert f"--weights {run.last}" in line
        assert all(w.isfinite().all() for w in weights(run).values() if w.is_floating_point())
        assert torch.load(run.last, weights_only=True)["global_step"] == 3


@pytest.mark.parametrize("method", ["training_step", "validation_step"])
def test_no_worker_outlives_a_training_that_failed(
    method: str, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At its end Python would wait for it."""

    def step(self: SegmentationTask, batch: object, batch_idx: int) -> Tensor:
        assert multiprocessing.active_children()
        return torch.empty(2**58)  # more than any machine has

    monkeypatch.setattr(SegmentationTask, method, step)
    assert program("fit", "--data.num_workers", "1") == 2
    assert not multiprocessing.active_children()


def test_want_of_memory_says_what_to_lower(
    program: Program, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def step(self: SegmentationTask, batch: object, batch_idx: int) -> Tensor:
        return torch.empty(2**58)  # more than any machine has: torch's own error

    monkeypatch.setattr(SegmentationTask, "training_step", step)
    assert program("fit", *SIZE) == 2
    line = next(ln for ln in capsys.readouterr().err.splitlines() if ln.startswith("error: "))
    assert line.startswith("error: out of memory (")
    assert "lower --data.batch_size, which is 4" in line


@pytest.mark.parametrize("command", ["fit", "test"])
def test_a_loading_process_that_is_killed_is_one_line(
    command: str,
    program: Program,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if command == "test":
        assert program("fit") == 0
    monkeypatch.setattr(SliceDataset, "gather", lambda *_: signal.raise_signal(signal.SIGKILL))
    capsys.readouterr()
    assert program(command, "--data.num_workers", "1") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: a worker process was killed, perhaps because memory ran out (")
    assert line.endswith("lower --data.num_workers, which is 1")


def test_fine_tuning_starts_a_new_run_from_trained_weights(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("fit", *SIZE) == 0
    trained = only_run()
    assert program("fit", "--weights", "unet_t1c", "--optimizer.lr", "1e-20") == 0
    new, _ = find_runs(Path("runs"))
    before, after = torch.load(trained.best, weights_only=True)["state_dict"], weights(new)
    names = [name for name in after if name.startswith("network.") and name.endswith("weight")]
    assert names
    for name in names:  # at such a low rate they do not move
        assert torch.equal(after[name], before[name])
    assert str(trained.best) in new.config.read_text("utf-8")

    assert program("test", "--run", str(new.path)) == 0
    capsys.readouterr()
    assert program("fit", "--weights", str(trained.last), experiment="aspp_t1c.yaml") == 2
    assert "do not fit AttentionUNetASPP" in capsys.readouterr().err
    assert program("fit", "--weights", "no_such_run") == 2
    assert "no trained run 'no_such_run'" in capsys.readouterr().err
    assert program("test", "--weights", str(trained.last)) == 2
    assert "--weights is an option of fit" in capsys.readouterr().err


def test_a_validation_that_no_epoch_reaches_is_one_line(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("fit", "--trainer.val_check_interval", "1000000000") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: trainer.val_check_interval: `val_check_interval` (1000000000)")
