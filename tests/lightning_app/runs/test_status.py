"""The lock of a run, its status, and whether it was trained in part."""

import errno
import fcntl
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from lightning_app.runs.folder import Run
from lightning_app.runs.records import write_record
from lightning_app.runs.status import current_status, locked, training_limits
from lightning_app.utils.errors import UsageError
from tests.helpers.runs.toy_runs import ToyRun

HERE = socket.gethostname()


def dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def run_with(folder: Path, status: str, host: str, pid: int) -> Run:
    run = Run(folder)
    write_record(run.status, {"status": status, "host": host, "pid": pid})
    return run


@pytest.mark.parametrize(
    ("recorded", "host", "dead", "current"),
    [
        ("running", HERE, True, "interrupted"),
        ("running", HERE, False, "interrupted"),  # another process has that number now
        ("running", "elsewhere", False, "interrupted"),
        ("failed", HERE, True, "failed"),
        ("finished", HERE, True, "finished"),
    ],
)
def test_a_run_that_no_process_trains_is_not_running(
    recorded: str, host: str, dead: bool, current: str, tmp_path: Path
) -> None:
    run = run_with(tmp_path, recorded, host, dead_process() if dead else os.getpid())
    with locked(run):
        pass
    assert current_status(run) == current


def test_a_run_is_running_as_long_as_its_lock_is_held(tmp_path: Path) -> None:
    run = run_with(tmp_path, "running", HERE, os.getpid())
    with locked(run):
        assert current_status(run) == "running"
        with pytest.raises(UsageError, match="being trained by process"), locked(Run(tmp_path)):
            pass
    assert current_status(run) == "interrupted"


def test_who_only_asks_whether_a_run_is_alive_does_not_keep_a_training_from_starting(
    tmp_path: Path,
) -> None:
    run = Run(tmp_path)
    asker = FileLock(run.lock, thread_local=False)
    asker.acquire()
    release = threading.Timer(0.2, asker.release)
    release.start()

    with locked(run):
        pass
    release.join()


def test_a_disk_without_locks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    run = Run(tmp_path)
    with pytest.raises(OSError, match=rf"No locks available: '{run.lock}'"), locked(run):
        pass


@pytest.mark.parametrize(
    ("trainer", "status", "words"),
    [
        ({}, {"ended_by": None}, ""),
        ({"limit_val_batches": 1}, {"ended_by": None}, "trainer.limit_val_batches is 1"),
        ({"max_steps": 5}, {"ended_by": None}, ""),  # the limit was not reached
        ({"max_steps": 5}, {"ended_by": "trainer.max_steps"}, "trainer.max_steps is 5"),
        ({"max_steps": 5}, {"epochs": 3}, ""),  # earlier versions recorded the epochs only
        ({"max_steps": 5}, {"epochs": 4}, ""),  # max_epochs was lowered afterwards
        ({"max_steps": 5}, {"epochs": 2}, "trainer.max_steps is 5"),
        ({"max_time": "00:01:00:00"}, {"epochs": 2}, "trainer.max_time is 00:01:00:00"),
        ({}, {"epochs": 2}, ""),  # early stopping
        ({"max_steps": 5}, {"epochs": 2, "status": "interrupted"}, ""),
        ({"max_steps": 5}, {"ended_by": ["damaged"]}, ""),
    ],
)
def test_what_limited_a_training(
    trainer: dict[str, Any], status: dict[str, Any], words: str, tmp_path: Path
) -> None:
    run = ToyRun({"A-000": (10, 20, 5)}, settings={"trainer": {"max_epochs": 3, **trainer}}).write(
        tmp_path
    )
    write_record(run.status, {"status": "finished", **status})

    assert training_limits(run) == words
