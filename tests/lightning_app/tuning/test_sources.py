"""On whose patients the post-processing of a run is chosen."""

from pathlib import Path

import pytest

from lightning_app.runs.folder import Run
from lightning_app.runs.records import read_split
from lightning_app.tuning.sources import Source, other_folds, sources_of
from tests.helpers.runs.toy_folds import write_folds
from tests.helpers.runs.toy_results import write_csv
from tests.helpers.runs.toy_runs import ToyRun, rate, twelve_cases

CASES = {f"P{index:02d}-000": (40, 40, 20) for index in range(18)}


def trained(*runs: Run) -> None:
    for run in runs:
        run.checkpoints.mkdir()
        run.best.touch()


@pytest.fixture
def folds(tmp_path: Path) -> list[Run]:
    """Three folds with six patients each."""
    runs = write_folds(tmp_path, CASES)
    trained(*runs)
    return runs


def fold_patients(run: Run) -> set[str]:
    return {patient for _, patient, split in read_split(run.split) if split == "test"}


@pytest.mark.parametrize("number", range(3))
def test_a_fold_uses_patients_of_the_other_folds_alone(folds: list[Run], number: int) -> None:
    run, others = folds[number], [other for other in folds if other != folds[number]]
    sources = sources_of(run)
    assert sources.parts == tuple(Source(other, "test") for other in others)
    assert sources.patients == set().union(*map(fold_patients, others))
    assert sources.patients.isdisjoint(fold_patients(run))
    assert len(sources.patients) == 12
    assert sources.in_words == "out-of-fold predictions of 2 of the 2 other folds"
    assert sources.own == Source(run, "val")


def test_patients_of_the_fold_are_left_out_even_if_another_run_tests_them(folds: list[Run]) -> None:
    rows = [(case, patient, "test") for case, patient, _ in read_split(folds[1].split)]
    write_csv(folds[1].split, ("case", "patient", "side"), rows)
    sources = sources_of(folds[0])
    assert sources.patients == {case[:3] for case in CASES} - fold_patients(folds[0])


def test_a_missing_fold_is_done_without_if_enough_patients_are_left(tmp_path: Path) -> None:
    runs = write_folds(tmp_path, {f"P{index:02d}-000": (40, 40, 20) for index in range(30)})
    trained(*runs[:2])
    sources = sources_of(runs[0])
    assert sources.parts == (Source(runs[1], "test"),)
    assert len(sources.patients) == 10
    assert sources.in_words == "out-of-fold predictions of 1 of the 2 other folds"


def test_with_too_few_other_folds_it_is_the_validation_split(folds: list[Run]) -> None:
    folds[1].best.unlink()
    sources = sources_of(folds[0])
    assert sources.parts == (Source(folds[0], "val"),)
    assert sources.own is None
    assert sources.in_words == "the validation split, as 1 of the 2 other folds are trained"


def test_without_folds_it_is_the_validation_split(tmp_path: Path) -> None:
    run = ToyRun(twelve_cases([20] * 12)).write(tmp_path)
    rows = [("P1-000", "P1", "train"), ("P2-000", "P2", "val"), ("P3-000", "P3", "test")]
    write_csv(run.split, ("case", "patient", "side"), rows)
    sources = sources_of(run)
    assert sources.parts == (Source(run, "val"),)
    assert sources.patients == {"P2"}


def test_runs_that_differ_in_more_than_the_fold_are_others(tmp_path: Path) -> None:
    """Another seed, another option, other data, not finished, without weights, damaged."""
    first = write_folds(tmp_path, CASES, settings=rate(0.1))
    different = [
        *write_folds(tmp_path, CASES, first=10, settings=rate(0.1), seed=1),
        *write_folds(tmp_path, CASES, first=20, settings=rate(0.5)),
        *write_folds(tmp_path, CASES, first=30, settings=rate(0.1), data={"fingerprint": "other"}),
        *write_folds(tmp_path, CASES, first=40, settings=rate(0.1), status="failed"),
    ]
    trained(*first, *different)
    damaged = write_folds(tmp_path, CASES, first=50, settings=rate(0.1))
    trained(*damaged)
    for run in damaged:
        run.environment.write_text("{")
    write_folds(tmp_path, CASES, first=55, settings=rate(0.1))
    assert other_folds(first[0]) == {1: first[1], 2: first[2]}


def test_the_folds_of_reproduce_have_folders_of_their_own(folds: list[Run], tmp_path: Path) -> None:
    moved = []
    for number, run in enumerate(folds):
        folder = tmp_path / f"{run.experiment}_fold{number}" / run.path.name
        folder.parent.mkdir()
        moved.append(Run(run.path.rename(folder)))
    assert other_folds(moved[1]) == {0: moved[0], 2: moved[2]}


def test_the_newest_run_of_a_fold_is_used(folds: list[Run], tmp_path: Path) -> None:
    newer = write_folds(tmp_path, CASES, first=10)
    trained(newer[2])
    assert other_folds(folds[0]) == {1: folds[1], 2: newer[2]}
