"""Folds of a cross-validation."""

import pytest

from data_modules.catalog.folds import fold_patients
from data_modules.utils.errors import DataError

# 23 patients, every third with a second scan.
PATIENTS = {
    f"P{number:02d}-{scan:03d}": f"P{number:02d}"
    for number in range(23)
    for scan in range(2 if number % 3 == 0 else 1)
}


@pytest.mark.parametrize("folds", [3, 5, 23])
def test_every_case_is_tested_once_and_validates_once(folds: int) -> None:
    splits = [fold_patients(PATIENTS, folds, fold, seed=4) for fold in range(folds)]

    for name in ("test", "val"):
        assert sorted(case for split in splits for case in split[name]) == sorted(PATIENTS)
    for split in splits:
        assert sorted(case for cases in split.values() for case in cases) == sorted(PATIENTS)
        patients = [{PATIENTS[case] for case in cases} for cases in split.values()]
        assert sum(map(len, patients)) == 23
        assert all(cases == sorted(cases) for cases in split.values())


def test_the_next_fold_validates_so_no_epoch_is_chosen_on_tested_patients() -> None:
    splits = [fold_patients(PATIENTS, 5, fold, seed=0) for fold in range(5)]
    for fold in range(5):
        assert splits[fold]["val"] == splits[(fold + 1) % 5]["test"]


def test_folds_have_equal_numbers_of_patients_up_to_one() -> None:
    sizes = [
        len({PATIENTS[case] for case in fold_patients(PATIENTS, 5, fold, seed=1)["test"]})
        for fold in range(5)
    ]
    assert sorted(sizes) == [4, 4, 5, 5, 5]


def test_folds_depend_on_the_seed_and_not_on_the_order_of_the_cases() -> None:
    first = fold_patients(PATIENTS, 5, 2, seed=0)
    assert fold_patients(dict(reversed(PATIENTS.items())), 5, 2, seed=0) == first
    assert fold_patients(PATIENTS, 5, 2, seed=1) != first


@pytest.mark.parametrize(
    ("folds", "fold", "message"),
    [
        (2, 0, "data.folds is 2, expected 3 or more"),
        (5, 5, "data.fold is 5, expected 0 to 4: data.folds is 5"),
        (5, -1, "data.fold is -1, expected 0 to 4"),
        (24, 0, "data.folds is 24, but there are only 23 patients"),
    ],
)
def test_impossible_folds_are_refused(folds: int, fold: int, message: str) -> None:
    with pytest.raises(DataError, match=message):
        fold_patients(PATIENTS, folds, fold, seed=0)
