from collections import Counter

import pytest

from data_modules.catalog.folds import fold_patients
from data_modules.catalog.splits import SPLITS
from data_modules.utils.errors import DataError

SCANS = {f"p{p}-{scan}": f"p{p}" for p in range(11) for scan in range(1 + p % 3)}


@pytest.mark.parametrize("folds", [3, 4, 5, 11])
@pytest.mark.parametrize("seed", [0, 7])
def test_each_patient_is_tested_once_and_validates_the_fold_before(folds: int, seed: int) -> None:
    splits = [fold_patients(SCANS, folds, fold, seed) for fold in range(folds)]

    assert sorted(case for split in splits for case in split["test"]) == sorted(SCANS)
    for fold, split in enumerate(splits):
        assert tuple(split) == SPLITS
        assert sorted(case for cases in split.values() for case in cases) == sorted(SCANS)
        assert all(cases == sorted(cases) for cases in split.values())
        assert split["val"] == splits[(fold + 1) % folds]["test"]


@pytest.mark.parametrize("folds", [3, 4, 5, 11])
def test_all_scans_of_a_patient_are_in_one_fold_and_folds_differ_by_one_patient(folds: int) -> None:
    patients = [
        {SCANS[case] for case in fold_patients(SCANS, folds, fold, 0)["test"]}
        for fold in range(folds)
    ]

    counts = list(map(len, patients))
    assert max(counts) - min(counts) <= 1
    assert set(Counter(patient for fold in patients for patient in fold).values()) == {1}


def test_the_seed_deals_and_the_order_of_the_cases_does_not() -> None:
    backwards = dict(reversed(SCANS.items()))

    assert fold_patients(SCANS, 4, 1, 0) == fold_patients(backwards, 4, 1, 0)
    tests = {tuple(fold_patients(SCANS, 4, 1, seed)["test"]) for seed in range(5)}
    assert len(tests) > 1


def test_more_folds_than_patients_are_refused() -> None:
    with pytest.raises(DataError, match=r"^data.folds is 12, expected at most .* patients, 11$"):
        fold_patients(SCANS, 12, 0, 0)
