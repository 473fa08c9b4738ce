"""Who is on which side: a split by patient."""

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from data_modules.utils.errors import DataError

SPLITS = ("train", "val", "test")
PAPER_SIZES = (1000, 125, 126)
DEALS = 1000  # shuffles tried until three counts are met

Split = dict[str, list[str]]
SplitSizes = tuple[int, int, int] | tuple[float, float, float] | None


def split_patients(patient_of: Mapping[str, str], sizes: SplitSizes, seed: int) -> Split:
    """Deal cases out to train, val and test; all cases of a patient go to one side.

    The outcome depends on the ids and the seed alone, not on the order of the mapping.

    Args:
        patient_of: the patient of each case.
        sizes: cases a side as three counts or three fractions; None for the paper's
            1000 : 125 : 126, at least one patient a side.
        seed: of the shuffle of the patients.

    Returns:
        Sorted case ids of each side. Cases that three counts leave over are on no side.

    Raises:
        DataError: fewer cases or patients than asked for, or sizes that make no sense.
    """
    cases_of: dict[str, list[str]] = {}
    for case, patient in sorted(patient_of.items(), key=lambda pair: pair[::-1]):
        cases_of.setdefault(patient, []).append(case)
    if len(cases_of) < len(SPLITS):
        raise DataError(
            f"{len(patient_of)} cases of {len(cases_of)} patients found, a split needs at least "
            "one patient each for train, val and test"
        )
    counts = _counts(sizes, len(patient_of))
    if not _exact(sizes, len(patient_of)):
        return _deal(cases_of, counts, np.random.default_rng(seed), exact=False)
    rng = np.random.default_rng(seed)
    for _ in range(DEALS):  # one is enough for BraTS; few patients with several scans may need more
        split = _deal(cases_of, counts, rng, exact=True)
        if all(len(split[side]) == counts[side] for side in SPLITS):
            return split
    raise DataError(
        f"data.split_sizes asks for {list(counts.values())} cases, which could not be had without "
        "a patient on two sides"
    )


def read_split(path: Path, patient_of: Mapping[str, str]) -> Split:
    """Read a split from a CSV file with the columns ``case`` and ``side``.

    Raises:
        DataError: unreadable, an unknown case or side, a case named twice, a patient on two sides,
            or a side left empty.
    """
    split: Split = {side: [] for side in SPLITS}
    for number, (case, side) in enumerate(_rows(path), start=2):
        if case not in patient_of:
            raise DataError(f"{path}, line {number}: case '{case}' is not in the data")
        if side not in split:
            raise DataError(f"{path}, line {number}: side '{side}', expected train, val or test")
        split[side].append(case)
    _check(split, patient_of, path)
    return {side: sorted(cases) for side, cases in split.items()}


def _rows(path: Path) -> list[tuple[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"data.split_file '{path}' cannot be read: {error}") from None
    if rows and not {"case", "side"} <= rows[0].keys():
        there = ", ".join(map(str, rows[0]))
        raise DataError(f"data.split_file '{path}' has columns {there}, expected case and side")
    return [(row["case"] or "", row["side"] or "") for row in rows]


def _check(split: Split, patient_of: Mapping[str, str], path: Path) -> None:
    named = Counter(case for cases in split.values() for case in cases)
    twice = [case for case, count in named.items() if count > 1]
    if twice:
        raise DataError(f"{path}: case '{twice[0]}' is named {named[twice[0]]} times")
    side_of: dict[str, str] = {}
    for side, cases in split.items():
        if not cases:
            raise DataError(f"{path}: no case on side {side}")
        for case in cases:
            other = side_of.setdefault(patient_of[case], side)
            if other != side:
                raise DataError(
                    f"{path}: patient {patient_of[case]} is on two sides, {other} and {side}"
                )


def _exact(sizes: SplitSizes, cases: int) -> bool:
    """Whether the counts must be met to the case: as counts, or as the paper's own number."""
    if sizes is None:
        return cases == sum(PAPER_SIZES)
    return all(isinstance(size, int) for size in sizes)


def _counts(sizes: SplitSizes, cases: int) -> dict[str, int]:
    if sizes is None:
        shares: Sequence[float] = [size / sum(PAPER_SIZES) for size in PAPER_SIZES]
    elif all(isinstance(size, int) for size in sizes):
        if min(sizes) < 1:
            raise DataError(f"data.split_sizes is {list(sizes)}, expected at least 1 case a side")
        if sum(sizes) > cases:
            raise DataError(
                f"data.split_sizes {list(sizes)} asks for {sum(sizes)} cases, {cases} are there"
            )
        return dict(zip(SPLITS, map(int, sizes), strict=True))
    else:
        if min(sizes) <= 0 or abs(sum(sizes) - 1) > 1e-6:
            raise DataError(
                f"data.split_sizes is {list(sizes)}, expected three counts, or three fractions "
                "above 0 that add up to 1"
            )
        shares = sizes
    val, test = (max(1, round(cases * share)) for share in shares[1:])
    return {"train": max(1, cases - val - test), "val": val, "test": test}


def _deal(
    cases_of: Mapping[str, list[str]],
    counts: Mapping[str, int],
    rng: np.random.Generator,
    *,
    exact: bool,
) -> Split:
    """Shuffle the patients and deal them out.

    Args:
        cases_of: the cases of each patient, patients sorted.
        counts: cases wanted on each side.
        rng: shuffles.
        exact: never give a side more than its count, and leave over who does not fit. Otherwise no
            side stays empty, and train takes all who are left.
    """
    patients = list(cases_of)
    left = [patients[index] for index in rng.permutation(len(patients))]
    split: Split = {}
    # Small sides first: what they leave over, the patients scanned twice too, fits into train.
    for still_empty, side in ((2, "test"), (1, "val"), (0, "train")):
        split[side] = []
        for patient in list(left):
            if len(split[side]) >= counts[side] or len(left) <= still_empty:
                break
            fits = len(split[side]) + len(cases_of[patient]) <= counts[side]
            if fits or not (split[side] or exact):
                split[side] += cases_of[patient]
                left.remove(patient)
    if not exact:
        split["train"] += [case for patient in left for case in cases_of[patient]]
    return {side: sorted(split[side]) for side in SPLITS}
