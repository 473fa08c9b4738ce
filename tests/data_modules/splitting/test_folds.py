"""The data module with the folds of a cross-validation."""

from pathlib import Path

import pytest

from data_modules.utils.errors import DataError
from tests.helpers.brats_modules import file_of, ids, module, ready, split_file
from tests.helpers.toy import write_dataset


def test_over_the_folds_every_case_is_tested_once(data: Path, cache: Path) -> None:
    folds = [ready(data, cache, folds=3, fold=fold) for fold in range(3)]

    everything = sorted(folder.name for folder in data.iterdir())
    assert sorted(case for one in folds for case in ids(one, "test")) == everything
    assert ids(folds[2], "val") == ids(folds[0], "test")


def test_the_split_seed_deals(data: Path, cache: Path) -> None:
    tests = {tuple(ids(ready(data, cache, folds=3, split_seed=s), "test")) for s in range(4)}

    assert len(tests) > 1


def test_scans_of_a_patient_that_a_file_names_are_in_one_fold(
    data: Path, cache: Path, tmp_path: Path
) -> None:
    cases = sorted(folder.name for folder in data.iterdir())
    names = tmp_path / "patients.csv"
    rows = [f"{case},p{number // 2}" for number, case in enumerate(cases)]
    names.write_text("\n".join(["case,patient", *rows]), "utf-8")

    folds = [ready(data, cache, folds=3, fold=k, split_file=names) for k in range(len(cases) // 2)]

    pairs = {tuple(cases[n : n + 2]) for n in range(0, len(cases), 2)}
    assert {tuple(ids(one, "test")) for one in folds} == pairs


def test_a_file_of_splits_and_folds_contradict_each_other(
    data: Path, cache: Path, tmp_path: Path
) -> None:
    sides = split_file(tmp_path / "sides.csv", [0, 1], [2], [3])

    with pytest.raises(DataError, match=r"data.folds is 3, but data.split_file '.*' has a column"):
        module(data, cache, folds=3, split_file=sides).prepare_data()


def test_skipped_cases_are_in_no_fold(tmp_path: Path) -> None:
    root = write_dataset(tmp_path / "data", 7)
    file_of(root, 4, "t1c").unlink()

    folds = [ready(root, tmp_path / "cache", folds=3, fold=k, on_bad_case="skip") for k in range(3)]

    assert sorted(len(ids(one, "test")) for one in folds) == [2, 2, 2]
    assert not any("00004" in case for one in folds for case in ids(one, "test"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"folds": 2}, "data.folds is 2, expected 3 or more"),
        ({"folds": 5, "fold": 5}, "data.fold is 5, expected 0 to 4, as data.folds is 5"),
        ({"folds": 5, "fold": -1}, "data.fold is -1, expected 0 to 4"),
        ({"fold": 1}, "data.fold is 1, but data.folds is null"),
        ({"folds": 5, "split_sizes": (4, 1, 1)}, r"split_sizes is \[4, 1, 1\]: expected only one"),
        ({"folds": 5, "split_sizes": "all-test"}, "split_sizes is all-test: expected only one"),
    ],
)
def test_bad_combinations_are_refused(
    options: dict[str, object], message: str, data: Path, cache: Path
) -> None:
    with pytest.raises(DataError, match=message):
        module(data, cache, **options)


def test_more_folds_than_patients_are_refused(data: Path, cache: Path) -> None:
    with pytest.raises(DataError, match=r"data.folds is 99, expected at most"):
        module(data, cache, folds=99).prepare_data()
