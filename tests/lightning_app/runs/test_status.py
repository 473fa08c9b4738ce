"""The lock of a run."""

import errno
import fcntl
import os
from pathlib import Path

import pytest

from lightning_app.runs.folder import Run
from lightning_app.runs.status import locked


def test_a_disk_without_locks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    run = Run(tmp_path)
    with pytest.raises(OSError, match=rf"No locks available: '{run.lock}'"), locked(run):
        pass
