"""The folds of a cross-validation, of which a report makes one row."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from lightning_app.report.load.cohorts import cohorts
from lightning_app.report.load.folds import pool_folds
from lightning_app.report.load.runs import read_runs
from lightning_app.report.load.tested_run import TestedRun
from lightning_app.report.tables.significance import QUESTIONS, compare
from tests.helpers.runs.toy_folds import FOLDS, fold_run, write_folds
from tests.helpers.runs.toy_runs import ASPP, UNET, ToyRun, rate, twelve_cases

COMMON = [3, 30, 12, 25, 38, 7, 33, 19, 28, 36, 22, 15]
CASES = twelve_cases(COMMON)
BETTER = twelve_cases([min(40, both + 4) for both in COMMON])


def pooled(root: Path) -> TestedRun:
    (run,), left_out = pool_folds(read_runs(root)[0])
    assert not left_out
    return run


def test_scores_and_intervals_are_those_of_one_test_of_all_patients(tmp_path: Path) -> None:
    write_folds(tmp_path / "folds", CASES, training=30.0, inference=2.0)
    ToyRun(CASES).write(tmp_path / "whole")

    run = pooled(tmp_path / "folds")
    (whole,), _ = read_runs(tmp_path / "whole")

    assert run.scores == whole.scores
    assert run.volumes == whole.volumes
    assert run.table.cases == whole.table.cases
    assert np.array_equal(run.table.counts, whole.table.counts)
    assert run.test.accuracy_of_nothing == whole.test.accuracy_of_nothing
    assert [len(fold.table.cases) for fold in run.folds] == [4, 4, 4]
    assert (run.training_time.seconds, run.inference_time.seconds) == (30.0, 6.0)


def test_a_time_that_one_fold_lacks_is_not_known(tmp_path: Path) -> None:
    for number in range(FOLDS):
        seconds = None if number == 1 else 30.0
        fold_run(CASES, number, name=f"20260101-00000{number}-aaaaaa", training=seconds).write(
            tmp_path
        )

    assert pooled(tmp_path).training_time.seconds is None


def test_settings_are_compared_on_the_patients_of_all_folds(tmp_path: Path) -> None:
    write_folds(tmp_path, CASES)
    write_folds(tmp_path, BETTER, network=ASPP)
    write_folds(tmp_path, CASES, first=10, settings=rate(0.5), network="mine.Net")

    (group,) = cohorts(pool_folds(read_runs(tmp_path)[0])[0])

    assert (group.folds, len(group.trainings)) == (FOLDS, 9)
    assert len(group.entries) == 3
    found = {
        (pair.first.network, pair.second.network): pair for pair in compare(group, QUESTIONS[0])
    }
    difference = found[UNET, ASPP].difference
    assert difference is not None
    assert (difference.patients, difference.differing) == (12, 12)
    assert difference.value == pytest.approx(
        np.mean([(a[2] - b[2]) / 40 for a, b in zip(CASES.values(), BETTER.values(), strict=True)])
    )


def test_seeds_of_complete_folds_are_one_row(tmp_path: Path) -> None:
    for seed in (0, 1):
        write_folds(tmp_path, CASES, first=10 * seed, seed=seed)

    (group,) = cohorts(pool_folds(read_runs(tmp_path)[0])[0])

    (entry,) = group.entries
    assert entry.seeds == [0, 1]
    assert len(entry.trainings) == 2 * FOLDS


def test_folds_are_not_compared_with_another_split(tmp_path: Path) -> None:
    write_folds(tmp_path, CASES)
    ToyRun(CASES, network=ASPP).write(tmp_path)

    groups = cohorts(pool_folds(read_runs(tmp_path)[0])[0])

    assert [len(group.entries) for group in groups] == [1, 1]


def test_an_incomplete_set_is_left_out_and_names_what_is_missing(tmp_path: Path) -> None:
    runs = write_folds(tmp_path, CASES)
    shutil.rmtree(runs[1].path)
    shutil.rmtree(runs[2].path)

    used, left_out = pool_folds(read_runs(tmp_path)[0])

    assert not used
    (left,) = left_out
    assert left.name == "UNet_t2f/20260101-000000-aaaaaa"
    assert left.reason == (
        "fold 0 of 3: a row needs all folds, and folds 1, 2 have no finished and tested run"
    )


def test_runs_with_different_options_are_no_set(tmp_path: Path) -> None:
    for number, lr in enumerate((0.1, 0.1, 0.5)):
        fold_run(CASES, number, settings=rate(lr), name=f"20260101-00000{number}-aaaaaa").write(
            tmp_path
        )

    used, left_out = pool_folds(read_runs(tmp_path)[0])

    assert not used
    assert sorted(left.reason.partition("and ")[2] for left in left_out) == [
        "fold 2 has no finished and tested run",
        "fold 2 has no finished and tested run",
        "folds 0, 1 have no finished and tested run",
    ]


def test_a_repeated_fold_is_listed_and_the_newest_is_used(tmp_path: Path) -> None:
    write_folds(tmp_path, CASES)
    fold_run(BETTER, 1, name="20260102-000000-aaaaaa").write(tmp_path)

    (run,), (left,) = pool_folds(read_runs(tmp_path)[0])

    assert run.folds[1].run.path.name == "20260102-000000-aaaaaa"
    assert left.name == "UNet_t2f/20260101-000001-aaaaaa"
    assert left.reason == (
        "UNet_t2f/20260102-000000-aaaaaa is newer, with the same network, modality, options, seed "
        "and fold"
    )


def test_folds_that_were_dealt_from_different_cases_are_left_out(tmp_path: Path) -> None:
    runs = write_folds(tmp_path, CASES)
    shutil.rmtree(runs[2].path)
    more = CASES | {"P99-000": (40, 40, 20)}
    fold_run(more, 2, name="20260101-000002-aaaaaa").write(tmp_path)

    used, left_out = pool_folds(read_runs(tmp_path)[0])

    assert not used
    assert len(left_out) == FOLDS
    assert "dealt from different cases" in left_out[0].reason


def test_a_case_without_slices_leaves_the_set_complete(tmp_path: Path) -> None:
    without, *others = CASES  # as with data.slices tumour, if the case has no tumour
    for number, run in enumerate(write_folds(tmp_path, {case: CASES[case] for case in others})):
        with run.split.open("a", encoding="utf-8") as split:
            split.write(f"{without},{without[:-4]},{'train' if number else 'test'}\n")

    assert pooled(tmp_path).table.cases == [*others]


def test_a_patient_who_is_tested_twice_is_no_set(tmp_path: Path) -> None:
    for number in range(FOLDS):
        run = fold_run(CASES, number, name=f"20260101-00000{number}-aaaaaa")
        run.cases = {f"P{number:02d}-000": (9, 9, 3), f"P{number:02d}-001": (9, 9, 4)}
        run.cases |= {"P50-000": (8, 8, 8)} if number else {}
        run.others = [f"other{n}-000" for n in range(9)]
        run.write(tmp_path)

    used, left_out = pool_folds(read_runs(tmp_path)[0])

    assert not used
    assert {"every patient once" in left.reason for left in left_out} == {True}


@pytest.mark.parametrize("fold", [(3, 3), (0, 10**9)])
def test_a_fold_that_cannot_be_makes_a_run_unreadable(
    fold: tuple[int, int], tmp_path: Path
) -> None:
    ToyRun(CASES, fold=fold).write(tmp_path)

    used, (left,) = read_runs(tmp_path)

    assert not used
    assert left.reason == (
        f"cannot be read: config.yaml: data.fold is {fold[0]} of {fold[1]} folds of 13 cases"
    )
