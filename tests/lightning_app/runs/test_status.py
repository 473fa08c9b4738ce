"""The lock of a run, and whether it was trained in part."""

import errno
import fcntl
import os
from pathlib import Path
from typing import Any

import pytest

from lightning_app.runs.folder import Run
from lightning_app.runs.records import write_record
from lightning_app.runs.status import locked, training_limits
from tests.helpers.toy_runs import ToyRun


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
