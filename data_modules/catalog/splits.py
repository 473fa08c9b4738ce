"""Which case is in which split: training, validation or test, by patient."""

import csv
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from data_modules.catalog.cases import Case
from data_modules.utils.errors import DataError
from data_modules.utils.words import counted

SPLITS = ("train", "val", "test")
PAPER_SIZES = (1000, 125, 126)
ATTEMPTS = 1000  # shuffles tried until three counts are met

ALL_TEST: Literal["all-test"] = "all-test"
_NEEDED = {"fit": ("train", "val"), "validate": ("val",), "test": ("test",)}

Split = dict[str, list[str]]
_Sizes = tuple[int, int, int] | tuple[float, float, float] | None
SplitSizes = _Sizes | Literal["all-test"]


def split_patients(patient_of: Mapping[str, str], sizes: SplitSizes, seed: int) -> Split:
    """Assign cases to train, val and test; all cases of a patient go to the same split.

    The result depends on the ids and the seed alone, not on the order of the mapping.

    Args:
        patient_of: The patient of each case.
        sizes: Cases per split as three counts or three fractions; "all-test" to test all cases;
            None for the paper's 1000 : 125 : 126, with at least one patient per split.
        seed: Seed of the shuffling of the patients.

    Returns:
        Sorted case ids of each split. Cases beyond three counts are in no split.

    Raises:
        DataError: Fewer cases or patients than requested, or invalid sizes.
    """
    if sizes == ALL_TEST:
        return {"train": [], "val": [], "test": sorted(patient_of)}
    cases_of: dict[str, list[str]] = {}
    for case, patient in sorted(patient_of.items(), key=lambda pair: pair[::-1]):
        cases_of.setdefault(patient, []).append(case)
    if len(cases_of) < len(SPLITS):
        found = f"{counted(len(patient_of), 'case')} of {counted(len(cases_of), 'patient')} found"
        raise DataError(
            f"{found}, and a split needs three patients, one each for train, val and test; to test "
            f"all of them, give --data.split_sizes {ALL_TEST}"
        )
    counts = _counts(sizes, len(patient_of))
    if not _exact(sizes, len(patient_of)):
        return _assign(cases_of, counts, np.random.default_rng(seed), exact=False)
    rng = np.random.default_rng(seed)
    for _ in range(
        ATTEMPTS
    ):  # one will do for BraTS; few patients with several scans may need more
        split = _assign(cases_of, counts, rng, exact=True)
        if all(len(split[name]) == counts[name] for name in SPLITS):
            return split
    raise DataError(
        f"data.split_sizes asks for {list(counts.values())} cases, which is impossible without "
        "a patient in two splits"
    )


def without_bad(
    splits: Mapping[str, Sequence[Case]], bad: Mapping[str, str]
) -> dict[str, list[Case]]:
    """The cases of each split that can be used. Raises DataError if none can.

    Args:
        splits: The cases of each split.
        bad: What is wrong with each case that cannot be used, by its id.
    """
    left = {name: [case for case in cases if case.id not in bad] for name, cases in splits.items()}
    if not any(left.values()):
        examples = [f"{case}: {reason}" for case, reason in bad.items()][:1]
        raise DataError(f"no case can be used: {'; '.join([f'{len(bad)} are bad', *examples])}")
    return left


def check_needed(stage: str, cases: Mapping[str, Collection[object]], sizes: SplitSizes) -> None:
    """Check that no split that a stage needs is empty.

    Args:
        stage: fit, validate or test; any other needs no split.
        cases: The cases of each split.
        sizes: The sizes that were asked for.

    Raises:
        DataError: One is.
    """
    for command, needed in _NEEDED.items():
        empty = [name for name in needed if command == stage and not cases[name]]
        if empty:
            reason = f": data.split_sizes is {ALL_TEST}, for test only" if sizes == ALL_TEST else ""
            raise DataError(f"no case in split {empty[0]}, which {command} needs{reason}")


def read_split(path: Path, patient_of: Mapping[str, str]) -> Split | None:
    """Read a split from a CSV file with the columns ``case`` and ``side``.

    Returns:
        The split; None if the file has no column ``side``, but names patients only.

    Raises:
        DataError: The file is unreadable or empty, a case or split is unknown, a case is repeated,
            or a patient is in two splits.
    """
    split: Split = {name: [] for name in SPLITS}
    rows = _rows(path)
    if not rows:
        raise DataError(f"data.split_file '{path}' has no case")
    if "side" not in rows[0]:
        return None
    for number, row in enumerate(rows, start=2):
        case, name = _known_case(path, number, row, patient_of), row["side"]
        if name not in split:
            raise DataError(f"{path}, line {number}: side '{name}', expected train, val or test")
        split[name].append(case)
    _check(split, patient_of, path)
    return {name: sorted(cases) for name, cases in split.items()}


def read_patients(path: Path, cases: Collection[str]) -> dict[str, str]:
    """Read the column ``patient`` of a split file: the patient of each case that has one there.

    Args:
        path: The CSV file.
        cases: The cases that exist.

    Raises:
        DataError: The file is unreadable, a case is unknown or given two patients, or a name cannot
            be written to other files.
    """
    patients: dict[str, str] = {}
    for number, row in enumerate(_rows(path), start=2):
        if not (patient := row.get("patient", "").strip()):
            continue
        if not patient.isprintable() or patient[0] in "=+-@":  # a spreadsheet would execute it
            raise DataError(
                f"{path}, line {number}: patient {patient!r}, expected a name that begins with a "
                "letter or a digit"
            )
        case = _known_case(path, number, row, cases)
        other = patients.setdefault(case, patient)
        if other != patient:
            raise DataError(
                f"{path}, line {number}: case '{case}' is of patient '{patient}' here, and of "
                f"'{other}' above"
            )
    return patients


def _rows(path: Path) -> list[dict[str, str]]:
    """The rows by column; an absent cell is empty."""
    try:
        if path.exists() and not path.is_file():  # to open a pipe would wait for its writer
            raise DataError(f"data.split_file '{path}' is not a regular file")
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file, restval=""))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"data.split_file '{path}' cannot be read: {error}") from None
    if rows and not ("case" in rows[0] and rows[0].keys() & {"side", "patient"}):
        columns = ", ".join(map(str, rows[0]))
        raise DataError(
            f"data.split_file '{path}' has columns {columns}, expected case and side, or case and "
            "patient, or all three"
        )
    return rows


def _known_case(path: Path, number: int, row: Mapping[str, str], cases: Collection[str]) -> str:
    """The case of a row, which must be in the data."""
    case = row["case"]
    if case not in cases:
        raise DataError(f"{path}, line {number}: case '{case}' is not in the data")
    return case


def _check(split: Split, patient_of: Mapping[str, str], path: Path) -> None:
    counts = Counter(case for cases in split.values() for case in cases)
    repeated = [case for case, count in counts.items() if count > 1]
    if repeated:
        raise DataError(f"{path}: case '{repeated[0]}' is listed {counts[repeated[0]]} times")
    split_of: dict[str, str] = {}
    for name, cases in split.items():
        for case in cases:
            other = split_of.setdefault(patient_of[case], name)
            if other != name:
                raise DataError(
                    f"{path}: patient {patient_of[case]} is in two splits, {other} and {name}"
                )


def _exact(sizes: _Sizes, cases: int) -> bool:
    """Whether the counts must be met exactly: if they were given, or if it is the paper's total."""
    if sizes is None:
        return cases == sum(PAPER_SIZES)
    return all(isinstance(size, int) for size in sizes)


def _counts(sizes: _Sizes, cases: int) -> dict[str, int]:
    if sizes is None:
        shares: Sequence[float] = [size / sum(PAPER_SIZES) for size in PAPER_SIZES]
    elif all(isinstance(size, int) for size in sizes):
        if min(sizes) < 1:
            raise DataError(
                f"data.split_sizes is {list(sizes)}, expected at least 1 case per split"
            )
        if sum(sizes) > cases:
            raise DataError(
                f"data.split_sizes {list(sizes)} asks for {sum(sizes)} cases, there are {cases}"
            )
        return dict(zip(SPLITS, map(int, sizes), strict=True))
    else:
        if min(sizes) <= 0 or abs(sum(sizes) - 1) > 1e-6:
            raise DataError(
                f"data.split_sizes is {list(sizes)}, expected three counts, or three fractions "
                "above 0 that sum to 1"
            )
        shares = sizes
    val, test = (max(1, round(cases * share)) for share in shares[1:])
    return {"train": max(1, cases - val - test), "val": val, "test": test}


def _assign(
    cases_of: Mapping[str, list[str]],
    counts: Mapping[str, int],
    rng: np.random.Generator,
    *,
    exact: bool,
) -> Split:
    """Shuffle the patients and fill one split after the other.

    Args:
        cases_of: The cases of each patient, patients sorted.
        counts: Number of cases per split.
        rng: Shuffles.
        exact: Never exceed the count of a split, and leave out patients who do not fit. Otherwise
            no split stays empty, and train takes all remaining patients.
    """
    patients = list(cases_of)
    remaining = [patients[index] for index in rng.permutation(len(patients))]
    split: Split = {}
    # Small splits first: they may skip patients with many scans, who still fit into train.
    for splits_to_come, name in ((2, "test"), (1, "val"), (0, "train")):
        cases = split[name] = []
        for patient in list(remaining):
            if len(cases) >= counts[name] or len(remaining) <= splits_to_come:
                break
            fits = len(cases) + len(cases_of[patient]) <= counts[name]
            if fits or not (cases or exact):
                cases += cases_of[patient]
                remaining.remove(patient)
    if not exact:
        split["train"] += [case for patient in remaining for case in cases_of[patient]]
    return {name: sorted(split[name]) for name in SPLITS}
