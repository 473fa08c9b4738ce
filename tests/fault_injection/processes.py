"""Processes that train, and are killed at chosen moments."""

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

LIMIT_S = 300.0  # a process that takes longer hangs
LOOK_EVERY_S = 0.002  # writing a checkpoint takes some milliseconds


class Moment(StrEnum):
    """What a process was at when it was killed."""

    START_UP = "start-up"
    TRAINING = "training"
    WRITE = "checkpoint write"


AIMS = {Moment.START_UP: 0.15, Moment.TRAINING: 0.4, Moment.WRITE: 0.45}


@dataclass(frozen=True)
class Pace:
    """Seconds of an uninterrupted training.

    Attributes:
        start_up: until the first checkpoint.
        training: from there to the end.
    """

    start_up: float
    training: float


@dataclass(frozen=True)
class Kill:
    """When to kill.

    Attributes:
        aim: what the process shall be at.
        pause: seconds to wait, from the start of the process where the aim is its start-up, else
            from its first checkpoint.
    """

    aim: Moment
    pause: float


def draw_kill(rng: np.random.Generator, pace: Pace) -> Kill:
    """A random moment of a process's life."""
    aim = list(AIMS)[rng.choice(len(AIMS), p=list(AIMS.values()))]
    if aim is Moment.START_UP:
        return Kill(aim, rng.uniform(0, pace.start_up))
    # One in five without a pause, in the first write. Less than half: several kills a round.
    return Kill(aim, max(0.0, rng.uniform(-0.1, 0.4)) * pace.training)


@dataclass(frozen=True)
class Traces:
    """What the trainings in a folder have left of checkpoints so far.

    Attributes:
        unfinished: the files that are half written.
        saved: when last.ckpt was last written, in ns; None where there is none.
    """

    unfinished: frozenset[str]
    saved: int | None

    def new_writes(self, earlier: "Traces") -> frozenset[str]:
        """Checkpoints of which the writing began since, and did not end."""
        return self.unfinished - earlier.unfinished

    def moment(self, earlier: "Traces") -> Moment:
        """What the process that was started at earlier traces got to."""
        if self.new_writes(earlier):
            return Moment.WRITE
        return Moment.START_UP if self.saved == earlier.saved else Moment.TRAINING


def traces(folder: Path) -> Traces:
    """Look at a working folder."""
    run = begun_run(folder)
    if run is None:
        return Traces(frozenset(), None)
    unfinished = frozenset(path.name for path in run.checkpoints.glob(".part-*"))
    return Traces(unfinished, run.last.stat().st_mtime_ns if run.last.exists() else None)


def begun_run(folder: Path) -> Run | None:
    """The run that ``fit --resume`` would go on with in a working folder."""
    runs = [run for run in find_runs(folder / DEFAULT_ROOT) if run.config.is_file()]
    return runs[0] if runs else None


class Training:
    """A process ``python main.py fit`` that leads a process group of its own.

    Args:
        folder: its working folder, where ``runs`` and ``cache`` come to lie.
        arguments: what follows ``fit``.
    """

    def __init__(self, folder: Path, arguments: Sequence[str]) -> None:
        self.folder = folder
        self.before = traces(folder)
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
        self.began = time.monotonic()

    @property
    def group(self) -> int:
        """Number of the process group."""
        return self.process.pid

    @property
    def exit_code(self) -> int | None:
        """Minus the signal where one has ended the process; None where it lives."""
        return self.process.returncode

    @property
    def output(self) -> str:
        """What the process has printed."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def lives(self) -> bool:
        """Whether the process has not ended.

        Raises:
            TimeoutError: it has lived for too long.
        """
        if self.process.poll() is not None:
            return False
        if time.monotonic() - self.began > LIMIT_S:
            raise TimeoutError(f"has not ended within {LIMIT_S:.0f} s")
        return True

    def wait_for_first_checkpoint(self) -> None:
        """Wait until the process begins to write one, or ends."""
        while self.lives() and traces(self.folder).moment(self.before) is Moment.START_UP:
            time.sleep(LOOK_EVERY_S)

    def wait_for_write(self) -> None:
        """Wait until the process is writing a checkpoint, or ends."""
        while self.lives() and not traces(self.folder).new_writes(self.before):
            time.sleep(LOOK_EVERY_S)

    def wait(self, seconds: float = LIMIT_S) -> None:
        """Wait for so long, or until the process ends."""
        until = time.monotonic() + seconds
        while self.lives() and time.monotonic() < until:
            time.sleep(LOOK_EVERY_S)

    def wait_for(self, kill: Kill) -> None:
        """Wait for the moment of a kill, or until the process ends."""
        if kill.aim is not Moment.START_UP:
            self.wait_for_first_checkpoint()
        self.wait(kill.pause)
        if kill.aim is Moment.WRITE:
            self.wait_for_write()

    def kill(self) -> Moment | None:
        """Kill the process, and not those that it started.

        Returns:
            What it was at, judged by what it left; None if it had ended by itself.
        """
        self.process.kill()
        if self.process.wait() != -signal.SIGKILL:
            return None
        return traces(self.folder).moment(self.before)


@contextmanager
def training(folder: Path, arguments: Sequence[str]) -> Iterator[Training]:
    """Start a training; should the caller fail, it ends with all its processes."""
    started = Training(folder, arguments)
    try:
        yield started
    except BaseException:
        os.killpg(started.process.pid, signal.SIGKILL)
        started.process.wait()
        raise
