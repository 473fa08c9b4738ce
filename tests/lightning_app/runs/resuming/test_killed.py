"""Runs killed where hardly anything, or everything, has been saved."""

import json
import shutil
from pathlib import Path

import pytest

from lightning_app.runs.folder import Run, find_runs
from tests.conftest import Program


@pytest.fixture
def run(program: Program) -> Run:
    """A run as a kill leaves it that comes after the last checkpoint and before the end."""
    assert program("fit") == 0
    (run,) = find_runs(Path("runs"))
    status = json.loads(run.status.read_text("utf-8"))
    run.status.write_text(json.dumps({**status, "status": "running", "ended": None}), "utf-8")
    return run


def test_one_killed_in_its_first_checkpoint_leaves_nothing_half_written(
    program: Program, run: Run
) -> None:
    shutil.rmtree(run.checkpoints)
    run.checkpoints.mkdir()
    (run.checkpoints / ".part-k1ll3d00last.ckpt").write_bytes(b"half")
    assert program("fit", "--resume") == 0
    assert sorted(path.name for path in run.checkpoints.iterdir()) == ["best.ckpt", "last.ckpt"]


def test_one_killed_after_its_last_checkpoint_is_finished_by_resuming_it(
    program: Program, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    saved, metrics = run.last.read_bytes(), run.metrics.read_bytes()
    assert program("fit", "--resume") == 0
    assert "Best epoch: 1 of 1, val/dice" in capsys.readouterr().out
    assert json.loads(run.status.read_text("utf-8"))["status"] == "finished"
    assert run.last.read_bytes() == saved
    assert run.metrics.read_bytes() == metrics

    assert program("fit", "--resume", str(run.path)) == 2
    assert "has its 1 epoch:" in capsys.readouterr().err
