"""The tables that a test writes beside metrics.json, written and read by the same code.

Imports no torch: a report reads many tests.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from data_modules.utils.words import number_range
from lightning_app.metrics.case_masks import VolumeTable
from lightning_app.metrics.count_table import COUNTS, CountTable
from lightning_app.runs.folder import TestFolder
from lightning_app.runs.record_values import LARGEST, RecordError, column, number, whole_number
from lightning_app.runs.records import read_rows
from lightning_app.utils.json_csv import write_csv

_NAMES = ("case", "patient")
CASE_COLUMNS = (*_NAMES, "class", *COUNTS, "dice")


def write_slices(folder: TestFolder, table: CountTable) -> None:
    """Write slices.csv: the counts and the Dice of each slice and class."""
    rows = [
        (case, patient, index, name, *counts, dice)
        for case, patient, index, *classes in zip(
            table.cases, table.patients, table.slices, *_by_class(table, math.nan), strict=True
        )
        for name, counts, dice in classes
    ]
    write_csv(folder.slices, (*_NAMES, "slice", "class", *COUNTS, "dice"), rows)


def write_cases(folder: TestFolder, table: CountTable) -> None:
    """Write cases.csv: the rows of a table by case."""
    write_csv(folder.cases, CASE_COLUMNS, case_rows(table))


def case_rows(table: CountTable) -> list[tuple[str | int | float | None, ...]]:
    """The counts and the Dice of each case and class of a table by case, as ``CASE_COLUMNS``."""
    return [
        (case, patient, name, *counts, dice)
        for case, patient, *classes in zip(
            table.cases, table.patients, *_by_class(table, 1.0), strict=True
        )
        for name, counts, dice in classes
    ]


def read_slices(folder: TestFolder, classes: Sequence[str]) -> CountTable:
    """Read slices.csv.

    Args:
        folder: of the test.
        classes: their names, in the order of metrics.json.

    Raises:
        RecordError: it does not hold a row for each slice and class.
        FileNotFoundError: there is none.
    """
    path = folder.slices
    rows = read_rows(path, (*_NAMES, "slice", "class", *COUNTS))
    slices = _units(rows, classes, (*_NAMES, "slice"), path)
    counts = np.array([column(rows, name, whole_number, path) for name in COUNTS], np.int64)
    by_slice = counts.T.reshape(len(slices), len(classes), len(COUNTS))
    pixels = by_slice.sum(axis=-1, dtype=np.float64)
    if pixels.min() < 1 or pixels.sum() > LARGEST:
        sizes = number_range(f"{pixels.min():g}", f"{pixels.max():g}")
        raise RecordError(path, f"its slices have {sizes} pixels")
    return CountTable(
        tuple(classes),
        [row["case"] for row in slices],
        [row["patient"] for row in slices],
        column(slices, "slice", whole_number, path),
        by_slice,
    )


def write_volumes(folder: TestFolder, table: VolumeTable) -> None:
    """Write volumes.csv: every volume score of each case and class; empty cells if undefined."""
    rows = [
        (case, patient, name, *(_number(values[row, index]) for values in table.values.values()))
        for row, (case, patient) in enumerate(zip(table.cases, table.patients, strict=True))
        for index, name in enumerate(table.classes)
    ]
    write_csv(folder.volumes, (*_NAMES, "class", *table.values), rows)


def read_volumes(folder: TestFolder, classes: Sequence[str]) -> VolumeTable:
    """Read volumes.csv.

    Raises:
        RecordError: it does not hold a row for each case and class.
        FileNotFoundError: there is none: the test is of an earlier version.
    """
    path = folder.volumes
    rows = read_rows(path, (*_NAMES, "class"))
    cases = _units(rows, classes, _NAMES, path)
    names = [name for name in rows[0] if name not in {*_NAMES, "class"}]
    values = {
        name: np.array(column(rows, name, _number_or_nan, path)).reshape(len(cases), -1)
        for name in names
    }
    patients = [row["patient"] for row in cases]
    return VolumeTable(tuple(classes), [row["case"] for row in cases], patients, values)


def _units(
    rows: Sequence[Mapping[str, str]], classes: Sequence[str], names: Sequence[str], path: Path
) -> Sequence[Mapping[str, str]]:
    """The first row of each slice or case, which some columns name.

    Raises:
        RecordError: there is none, or one does not have a row for each class.
    """
    units = rows[:: len(classes)]
    expected = [(*(unit[name] for name in names), cls) for unit in units for cls in classes]
    if not rows or [tuple(row[name] for name in (*names, "class")) for row in rows] != expected:
        unit = "slice" if "slice" in names else "case"
        raise RecordError(path, f"there is not a row for each {unit} and class")
    return units


def _by_class(table: CountTable, empty: float) -> list[list[tuple[str, list[int], float | None]]]:
    """For each class, the (name, counts, Dice) of each unit; ``empty`` as in ``Counts.dice``."""
    columns = []
    for index, name in enumerate(table.classes):
        dice = map(_number, table.of_class(index).dice(empty))
        counts = table.counts[:, index].tolist()
        columns.append([(name, *cells) for cells in zip(counts, dice, strict=True)])
    return columns


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _number_or_nan(cell: str) -> float:
    return number(cell) if cell else math.nan
