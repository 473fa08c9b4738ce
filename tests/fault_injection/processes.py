"""Training processes that are killed at chosen moments."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np

from lightning_app.runs.folder import DEFAULT_ROOT, Run, find_runs
from tests.helpers.paths import MAIN

TIMEOUT_S = 300.0  # a process that takes longer hangs
POLL_INTERVAL_S = 0.002  # writing a checkpoint takes a few milliseconds


class Moment(StrEnum):
    """What a process was doing when it was killed."""

    START_UP = "start-up"
    TRAINING = "training"
    WRITE = "checkpoint write"


PROBABILITIES = {Moment.START_UP: 0.15, Moment.TRAINING: 0.4, Moment.WRITE: 0.45}


@dataclass(frozen=True)
class Pace:
    """Durations in an uninterrupted training, in seconds.

    Attributes:
        start_up: from the start to the first checkpoint.
        training: from the first checkpoint to the end.
    """

    start_up: float
    training: float


@dataclass(frozen=True)
class Kill:
    """When to kill.

    Attributes:
        target: what the process should be doing.
        delay: seconds to wait from the start of the process if the target is its start-up, and
            otherwise from its first checkpoint.
    """

    target: Moment
    delay: float


def draw_kill(rng: np.random.Generator, pace: Pace) -> Kill:
    """Draw a random moment."""
    index = rng.choice(len(PROBABILITIES), p=list(PROBABILITIES.values()))
    target = list(PROBABILITIES)[index]
    if target is Moment.START_UP:
        return Kill(target, rng.uniform(0, pace.start_up))
    # One kill in five has no delay, to hit the first write. At most 0.4 of the training, so that
    # a round has several kills.
    return Kill(target, max(0.0, rng.uniform(-0.1, 0.4)) * pace.training)


@dataclass(frozen=True)
class CheckpointFiles:
    """The state of the checkpoints in a working folder.

    Attributes:
        unfinished: names of the files that are half written.
        saved: when last.ckpt was last written, in ns; None if it does not exist.
    """

    unfinished: frozenset[str]
    saved: int | None

    def new_writes(self, earlier: "CheckpointFiles") -> frozenset[str]:
        """Names of the files begun since an earlier state that are not finished."""
        return self.unfinished - earlier.unfinished

    def moment(self, earlier: "CheckpointFiles") -> Moment:
        """What a process that was started in an earlier state was doing last."""
        if self.new_writes(earlier):
            return Moment.WRITE
        return Moment.START_UP if self.saved == earlier.saved else Moment.TRAINING


def checkpoint_files(folder: Path) -> CheckpointFiles:
    """Read the state of the checkpoints in a working folder."""
    run = run_to_resume(folder)
    if run is None:
        return CheckpointFiles(frozenset(), None)
    unfinished = frozenset(path.name for path in run.checkpoints.glob(".*.part"))
    saved = run.last.stat().st_mtime_ns if run.last.exists() else None
    return CheckpointFiles(unfinished, saved)


def run_to_resume(folder: Path) -> Run | None:
    """The run that ``fit --resume`` would resume in a working folder; None if there is none."""
    runs = [run for run in find_runs(folder / DEFAULT_ROOT) if run.config.is_file()]
    return runs[0] if runs else None


class Training:
    """A process ``python main.py fit`` that leads a new process group.

    Args:
        folder: its working folder, where it creates ``runs`` and ``cache``.
        arguments: the arguments after ``fit``.
    """

    def __init__(self, folder: Path, arguments: Sequence[str]) -> None:
        self.folder = folder
        self.before = checkpoint_files(folder)
        self.log = folder / "log.txt"
        with self.log.open("w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(MAIN), "fit", *arguments],
                cwd=folder,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.start = time.monotonic()

    @property
    def group(self) -> int:
        """Id of the process group."""
        return self.process.pid

    @property
    def exit_code(self) -> int | None:
        """The exit code, or minus the signal that ended the process; None while it runs."""
        return self.process.returncode

    @property
    def output(self) -> str:
        """Everything that the process has printed."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def is_running(self) -> bool:
        """Whether the process has not ended.

        Raises:
            TimeoutError: it has been running for too long.
        """
        if self.process.poll() is not None:
            return False
        if time.monotonic() - self.start > TIMEOUT_S:
            raise TimeoutError(f"has not ended within {TIMEOUT_S:.0f} s")
        return True

    def wait_for_first_checkpoint(self) -> None:
        """Wait until the process starts to write its first checkpoint, or ends."""
        while (
            self.is_running()
            and checkpoint_files(self.folder).moment(self.before) is Moment.START_UP
        ):
            time.sleep(POLL_INTERVAL_S)

    def wait_for_write(self) -> None:
        """Wait until the process is writing a checkpoint, or has ended."""
        while self.is_running() and not checkpoint_files(self.folder).new_writes(self.before):
            time.sleep(POLL_INTERVAL_S)

    def wait(self, seconds: float = TIMEOUT_S) -> None:
        """Wait for ``seconds``, or until the process ends."""
        deadline = time.monotonic() + seconds
        while self.is_running() and time.monotonic() < deadline:
            time.sleep(POLL_INTERVAL_S)

    def wait_for(self, kill: Kill) -> None:
        """Wait for the moment of a kill, or until the process ends."""
        if kill.target is not Moment.START_UP:
            self.wait_for_first_checkpoint()
        self.wait(kill.delay)
        if kill.target is Moment.WRITE:
            self.wait_for_write()

    def kill(self) -> Moment | None:
        """Kill the process, but not its children.

        Returns:
            What it was doing, inferred from its files; None if it had already ended.
        """
        self.process.kill()
        if self.process.wait() != -signal.SIGKILL:
            return None
        return checkpoint_files(self.folder).moment(self.before)


@contextmanager
def training(folder: Path, arguments: Sequence[str]) -> Iterator[Training]:
    """Start a training; if the caller fails, kill it with its children."""
    process = Training(folder, arguments)
    try:
        yield process
    except BaseException:
        os.killpg(process.group, signal.SIGKILL)
        process.process.wait()
        raise
