from pathlib import Path

import pytest

from benchmarks.accuracy import recipes, tuned
from benchmarks.accuracy.settings import REAL
from benchmarks.accuracy.training import (
    FOLDS,
    Cases,
    Outcome,
    Training,
    read_outcome,
    write_outcome,
)
from lightning_app.runs.folder import Run


@pytest.fixture
def tuned_roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Trained folds of one setting, and the folders for which ``tune`` is called."""
    roots: list[Path] = []
    for fold in range(FOLDS):
        training = Training(tmp_path / "lgg", REAL, fold, 0, 8.0)
        outcome = Outcome(3, [20.0] * 3, [], {f"patient-{fold}": {"dice": 0.5}})
        write_outcome(training.file(tmp_path), training, outcome)
        recipes.kept_run(tmp_path, training).mkdir(parents=True)

    def tested(run: Run) -> Cases:
        assert run.path.parents[1] in roots
        return {run.path.name: {"dice": 0.6}}

    monkeypatch.setattr(tuned, "_tune", roots.append)
    monkeypatch.setattr(recipes, "tested_cases", tested)
    return roots


def test_every_fold_is_tested_after_tune(tmp_path: Path, tuned_roots: list[Path]) -> None:
    tuned.tune_folds(tmp_path / "lgg", 8.0, tmp_path, tmp_path)

    assert len(tuned_roots) == 1
    for fold in range(FOLDS):
        outcome = read_outcome(tmp_path / f"real_tuned-fold{fold}-seed0.json")
        assert outcome.cases == {f"fold{fold}": {"dice": 0.6}}
        assert outcome.epochs == 3


def test_each_seed_is_tuned_for_itself(tmp_path: Path, tuned_roots: list[Path]) -> None:
    for fold in range(FOLDS):
        training = Training(tmp_path / "lgg", REAL, fold, 2, 8.0)
        write_outcome(training.file(tmp_path), training, Outcome(4, [20.0] * 4, [], {}))
        recipes.kept_run(tmp_path, training).mkdir(parents=True)

    tuned.tune_folds(tmp_path / "lgg", 8.0, tmp_path, tmp_path)

    assert [root.name for root in tuned_roots] == ["lgg-real-seed0", "lgg-real-seed2"]
    assert read_outcome(tmp_path / "real_tuned-fold1-seed2.json").epochs == 4


def test_nothing_is_tuned_twice(tmp_path: Path, tuned_roots: list[Path]) -> None:
    for _ in range(2):
        tuned.tune_folds(tmp_path / "lgg", 8.0, tmp_path, tmp_path)

    assert len(tuned_roots) == 1


def test_folds_whose_runs_are_gone_are_left_out(tmp_path: Path, tuned_roots: list[Path]) -> None:
    recipes.kept_run(tmp_path, Training(tmp_path / "lgg", REAL, 2, 0, 8.0)).rmdir()

    tuned.tune_folds(tmp_path / "lgg", 8.0, tmp_path, tmp_path)

    assert tuned_roots == []
