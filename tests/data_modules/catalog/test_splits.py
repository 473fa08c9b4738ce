import csv
import os
from collections import Counter
from pathlib import Path

import pytest

from data_modules.catalog import releases as conventions
from data_modules.catalog.splits import (
    Split,
    SplitSizes,
    check_needed,
    read_patients,
    read_split,
    split_patients,
)
from data_modules.utils.errors import DataError
from data_modules.utils.hashing import short_hash
from tests.helpers.toy import REAL

TRAINING_IDS = REAL / "brats2023_gli_training_ids.txt"
SIDES = ["train", "val", "test"]


@pytest.fixture(scope="module")
def training_set() -> dict[str, str]:
    """The patient of each of the 1,251 cases of BraTS 2023."""
    if not TRAINING_IDS.exists():
        pytest.skip(f"the ids of BraTS 2023 are not here ({TRAINING_IDS})")
    return {case: conventions.patient_of(case) for case in TRAINING_IDS.read_text().split()}


def scans(*patients: int) -> dict[str, str]:
    """Patients a, b, c, ... with so many scans each."""
    return {
        f"{chr(97 + p)}{scan}": chr(97 + p) for p, n in enumerate(patients) for scan in range(n)
    }


def sizes_of(split: Split) -> list[int]:
    assert list(split) == SIDES
    return [len(split[side]) for side in SIDES]


def check(split: Split, patient_of: dict[str, str], *, everyone: bool = True) -> None:
    """Every case on at most one side, every patient on one side alone."""
    cases = [case for side in SIDES for case in split[side]]
    assert len(cases) == len(set(cases))
    if everyone:
        assert sorted(cases) == sorted(patient_of)
    patients = [{patient_of[case] for case in split[side]} for side in SIDES]
    assert sum(map(len, patients)) == len(set().union(*patients))


def test_the_real_ids_are_1251_scans_of_1133_patients(training_set: dict[str, str]) -> None:
    assert (len(training_set), len(set(training_set.values()))) == (1251, 1133)
    assert Counter(Counter(training_set.values()).values()) == {1: 1015, 2: 118}


@pytest.mark.parametrize("seed", range(10))
def test_the_papers_split_is_met_to_the_case_with_no_patient_on_two_sides(
    training_set: dict[str, str], seed: int
) -> None:
    split = split_patients(training_set, None, seed)

    assert sizes_of(split) == [1000, 125, 126]
    check(split, training_set)


def test_each_seed_makes_its_own_split_of_the_real_ids(training_set: dict[str, str]) -> None:
    tests = {tuple(split_patients(training_set, None, seed)["test"]) for seed in range(10)}

    assert len(tests) == 10


@pytest.mark.parametrize(
    "sizes", [None, (3, 2, 2), (0.6, 0.2, 0.2)], ids=["null", "counts", "fractions"]
)
def test_the_order_of_the_cases_does_not_matter(sizes: SplitSizes) -> None:
    patient_of = scans(1, 2, 1, 1, 2, 1, 1, 1, 1)
    backwards = dict(reversed(patient_of.items()))

    for seed in range(5):
        split = split_patients(patient_of, sizes, seed)
        assert split_patients(backwards, sizes, seed) == split
        assert all(cases == sorted(cases) for cases in split.values())


def test_a_split_can_be_had_again_and_another_seed_makes_another() -> None:
    patient_of = scans(*[1] * 20)

    splits = [split_patients(patient_of, (0.5, 0.25, 0.25), seed) for seed in range(6)]

    assert split_patients(patient_of, (0.5, 0.25, 0.25), 3) == splits[3]
    assert len({str(split) for split in splits}) == 6


@pytest.mark.parametrize("cases", range(3, 41))
def test_null_is_the_nearest_to_the_papers_proportion_with_a_patient_a_side(cases: int) -> None:
    patient_of = {f"case{number:02d}": f"patient{number:02d}" for number in range(cases)}

    split = split_patients(patient_of, None, seed=0)

    train, val, test = sizes_of(split)
    check(split, patient_of)
    assert min(train, val, test) >= 1
    for size, share in ((val, 125 / 1251), (test, 126 / 1251)):
        assert size == min(range(1, cases), key=lambda n: abs(n - cases * share))


@pytest.mark.parametrize("sizes", [None, (0.8, 0.1, 0.1), (0.98, 0.01, 0.01), (0.01, 0.01, 0.98)])
@pytest.mark.parametrize("seed", range(5))
def test_patients_with_several_scans_stay_together_and_nobody_is_left_out(
    sizes: SplitSizes, seed: int
) -> None:
    for patient_of in (scans(2, 2, 2), scans(5, 1, 1), scans(1, 2, 3, 4), scans(*[2, 1] * 9)):
        split = split_patients(patient_of, sizes, seed)
        check(split, patient_of)
        assert min(sizes_of(split)) >= 1


def test_counts_are_met_and_leave_the_rest_over() -> None:
    patient_of = scans(*[1] * 12)

    split = split_patients(patient_of, (5, 3, 2), seed=1)

    assert sizes_of(split) == [5, 3, 2]
    check(split, patient_of, everyone=False)


def test_counts_may_use_up_all_cases() -> None:
    assert sizes_of(split_patients(scans(*[1] * 10), (5, 3, 2), seed=0)) == [5, 3, 2]


@pytest.mark.parametrize("seed", range(10))
def test_counts_are_met_with_patients_scanned_twice(seed: int) -> None:
    patient_of = scans(*[2] * 5, *[1] * 15)

    split = split_patients(patient_of, (15, 5, 5), seed)

    assert sizes_of(split) == [15, 5, 5]
    check(split, patient_of)


@pytest.mark.parametrize("seed", range(10))
def test_counts_are_met_wherever_they_can_be(seed: int) -> None:
    patient_of = scans(2, 1, 1)  # the first patient is the test side

    split = split_patients(patient_of, (1, 1, 2), seed)

    assert sizes_of(split) == [1, 1, 2]
    check(split, patient_of)


def test_counts_that_no_split_by_patient_can_meet_stop() -> None:
    with pytest.raises(DataError, match="without a patient in two splits"):
        split_patients(scans(2, 2, 2), (2, 2, 1), seed=0)


def test_fractions_are_met_to_the_nearest_case() -> None:
    assert sizes_of(split_patients(scans(*[1] * 20), (0.6, 0.15, 0.25), seed=0)) == [12, 3, 5]
    assert sizes_of(split_patients(scans(*[1] * 11), (0.5, 0.25, 0.25), seed=0)) == [5, 3, 3]


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((10, 1, 1), r"asks for 12 cases, there are 9"),
        ((7, 2, 0), r"expected at least 1 case per split"),
        ((7, -1, 2), r"expected at least 1 case per split"),
        ((0.8, 0.1, 0.2), r"fractions above 0 that sum to 1"),
        ((0.9, 0.1, 0.0), r"fractions above 0 that sum to 1"),
        ((1.2, -0.1, -0.1), r"fractions above 0 that sum to 1"),
        ((5.0, 2.0, 2.0), r"fractions above 0 that sum to 1"),
    ],
)
def test_sizes_that_make_no_sense_stop(sizes: SplitSizes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        split_patients(scans(*[1] * 9), sizes, seed=0)


@pytest.mark.parametrize("sizes", [None, (1, 1, 1), (0.4, 0.3, 0.3)])
def test_fewer_than_three_patients_cannot_be_split(sizes: SplitSizes) -> None:
    with pytest.raises(DataError, match="7 cases of 2 patients found"):
        split_patients(scans(4, 3), sizes, seed=0)


def write_rows(path: Path, *rows: tuple[str, ...]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


PATIENT_OF = scans(2, 1, 1, 1)  # a0 a1 b0 c0 d0
GOOD = [("a0", "train"), ("a1", "train"), ("b0", "val"), ("c0", "test")]


def test_a_split_file_says_who_is_where(tmp_path: Path) -> None:
    rows = [("case", "side"), *reversed(GOOD)]

    assert read_split(write_rows(tmp_path / "split.csv", *rows), PATIENT_OF) == {
        "train": ["a0", "a1"],
        "val": ["b0"],
        "test": ["c0"],
    }


def test_a_split_that_was_written_is_read_back(tmp_path: Path) -> None:
    split = split_patients(PATIENT_OF, None, seed=0)
    rows = [(PATIENT_OF[case], case, side) for side, cases in split.items() for case in cases]

    path = write_rows(tmp_path / "split.csv", ("patient", "case", "side"), *rows)

    assert read_split(path, PATIENT_OF) == split


def test_a_split_file_from_a_spreadsheet_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "split.csv"
    lines = ["case,side", *(",".join(row) for row in GOOD)]
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())

    split = read_split(path, PATIENT_OF)
    assert split is not None
    assert split["val"] == ["b0"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("x9", "train"), r"split\.csv, line 6: case 'x9' is not in the data"),
        (("d0", "valid"), r"split\.csv, line 6: side 'valid', expected train, val or test"),
        (("d0", ""), r"split\.csv, line 6: side '', expected train, val or test"),
        (("d0",), r"split\.csv, line 6: side '', expected train, val or test"),
        (("b0", "val"), r"split\.csv: case 'b0' is listed 2 times"),
        (("b0", "test"), r"split\.csv: case 'b0' is listed 2 times"),
    ],
)
def test_a_bad_row_stops(tmp_path: Path, more: tuple[str, ...], message: str) -> None:
    path = write_rows(tmp_path / "split.csv", ("case", "side"), *GOOD, more)

    with pytest.raises(DataError, match=message):
        read_split(path, PATIENT_OF)


def test_a_patient_on_two_sides_stops(tmp_path: Path) -> None:
    rows = [("a0", "train"), ("b0", "val"), ("c0", "test"), ("a1", "test")]
    path = write_rows(tmp_path / "split.csv", ("case", "side"), *rows)

    with pytest.raises(DataError, match=r"patient a is in two splits, train and test"):
        read_split(path, PATIENT_OF)


@pytest.mark.parametrize("side", SIDES)
def test_a_side_may_be_empty(tmp_path: Path, side: str) -> None:
    rows = [row for row in GOOD if row[1] != side]
    path = write_rows(tmp_path / "split.csv", ("case", "side"), *rows)

    split = read_split(path, PATIENT_OF)

    assert split is not None
    assert split[side] == []
    assert sum(map(len, split.values())) == len(rows)


@pytest.mark.parametrize(
    ("stage", "needed"),
    [("fit", {"train", "val"}), ("validate", {"val"}), ("test", {"test"}), ("predict", set())],
)
@pytest.mark.parametrize("side", SIDES)
def test_a_stage_stops_without_the_splits_that_it_needs(
    stage: str, needed: set[str], side: str
) -> None:
    cases = {name: [] if name == side else [name] for name in SIDES}

    if side not in needed:
        check_needed(stage, cases, None)
        return
    with pytest.raises(DataError, match=rf"^no case in split {side}, which {stage} needs$"):
        check_needed(stage, cases, None)


def test_all_cases_may_be_test_cases() -> None:
    assert split_patients(PATIENT_OF, "all-test", 0) == {
        "train": [], "val": [], "test": sorted(PATIENT_OF)
    }  # fmt: skip
    assert split_patients({"a0": "a"}, "all-test", 0)["test"] == ["a0"]  # of a single patient
    with pytest.raises(DataError, match=r"split val, which validate needs: .* is all-test, for"):
        check_needed("validate", {"train": [], "val": [], "test": ["a0"]}, "all-test")


def test_an_empty_split_file_stops(tmp_path: Path) -> None:
    (tmp_path / "split.csv").touch()

    with pytest.raises(DataError, match=r"split\.csv' has no case"):
        read_split(tmp_path / "split.csv", PATIENT_OF)


@pytest.mark.parametrize("columns", [("case", "fold"), ("id", "side"), ("a0", "train")])
def test_a_split_file_without_the_columns_stops(tmp_path: Path, columns: tuple[str, str]) -> None:
    path = write_rows(tmp_path / "split.csv", columns, *GOOD)

    with pytest.raises(DataError, match=rf"has columns {', '.join(columns)}, expected case and si"):
        read_split(path, PATIENT_OF)


def test_a_split_file_that_is_not_there_stops(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"split\.csv' cannot be read"):
        read_split(tmp_path / "split.csv", PATIENT_OF)


def test_a_split_file_that_is_no_text_stops(tmp_path: Path) -> None:
    (tmp_path / "split.csv").write_bytes(b"case,side\n\xff\xfe\x00,train\n")

    with pytest.raises(DataError, match=r"split\.csv' cannot be read"):
        read_split(tmp_path / "split.csv", PATIENT_OF)


def test_a_pipe_in_the_place_of_a_split_file_stops(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "split.csv")

    with pytest.raises(DataError, match=r"split\.csv' is not a regular file"):
        read_split(tmp_path / "split.csv", PATIENT_OF)


def test_the_split_of_known_ids_never_changes() -> None:
    ids = [f"BraTS-GLI-{n:05d}-00{scan}" for n in range(20) for scan in range(1 + n % 2)]
    ids += [f"Brats18_TCIA0{n}_1{n}_1" for n in range(5)]

    split = split_patients({case: conventions.patient_of(case) for case in ids}, None, seed=0)

    assert split["val"] == [
        "BraTS-GLI-00011-000", "BraTS-GLI-00011-001", "Brats18_TCIA04_14_1",
    ]  # fmt: skip
    assert split["test"] == [
        "BraTS-GLI-00004-000", "BraTS-GLI-00010-000",
        "BraTS-GLI-00019-000", "BraTS-GLI-00019-001",
    ]  # fmt: skip


def test_the_split_of_the_real_ids_never_changes(training_set: dict[str, str]) -> None:
    split = split_patients(training_set, None, seed=0)

    assert short_hash(repr(split)) == "d9149c94"


def test_a_file_of_patients_alone_is_no_split(tmp_path: Path) -> None:
    rows = [("case", "patient"), ("a0", "one"), ("b0", " one "), ("c0", "")]
    path = write_rows(tmp_path / "patients.csv", *rows)

    assert read_split(path, PATIENT_OF) is None
    assert read_patients(path, PATIENT_OF) == {"a0": "one", "b0": "one"}


def test_a_split_file_may_name_patients_too(tmp_path: Path) -> None:
    rows = [(case, side, f"of-{case}") for case, side in GOOD]
    path = write_rows(tmp_path / "split.csv", ("case", "side", "patient"), *rows)

    assert read_patients(path, PATIENT_OF) == {case: f"of-{case}" for case, _ in GOOD}
    assert read_split(path, PATIENT_OF) is not None


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("x9", "one"), r"line 3: case 'x9' is not in the data"),
        (("a0", "two"), r"line 3: case 'a0' is of patient 'two' here, and of 'one' above"),
        (("b0", "=cmd()"), r"line 3: patient '=cmd\(\)', expected a name that begins with"),
    ],
)
def test_a_bad_patient_stops(tmp_path: Path, row: tuple[str, str], message: str) -> None:
    path = write_rows(tmp_path / "patients.csv", ("case", "patient"), ("a0", "one"), row)

    with pytest.raises(DataError, match=message):
        read_patients(path, PATIENT_OF)
