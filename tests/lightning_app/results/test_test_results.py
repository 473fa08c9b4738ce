"""How a test is scored once all batches have been predicted."""

import math
from pathlib import Path

import pytest

from lightning_app.metrics.score import VolumeScore
from lightning_app.runs.folder import find_runs
from tests.conftest import Program


def test_a_progress_bar_counts_the_cases_unless_progress_bars_are_off(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("fit") == 0
    assert program("test", "--trainer.enable_progress_bar", "true") == 0
    assert "Scoring cases" in capsys.readouterr().err
    assert program("test") == 0  # with the config of the run, which has them off
    assert "Scoring cases" not in capsys.readouterr().err


def test_a_score_that_is_infinite_is_one_line_and_exit_code_2(
    program: Program, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = VolumeScore(
        name="broken", definition="", compute=lambda _: math.inf, higher_is_better=True
    )
    assert program("fit") == 0
    monkeypatch.setattr("lightning_app.results.test_results.VOLUME_SCORES", (broken,))
    capsys.readouterr()
    assert program("test") == 2

    error = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(error) == 1
    assert "score 'broken' of case BraTS-GLI-000" in error[0]
    (run,) = find_runs(Path("runs"))
    assert not run.test().metrics.exists()
