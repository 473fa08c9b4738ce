"""What a test records: metrics.json and the CSV files beside it, written and read by the same code.

Imports no torch: a report reads many tests.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lightning_app.metrics.case_masks import VolumeTable
from lightning_app.metrics.count_table import COUNTS, CountTable
from lightning_app.metrics.evaluate import Results
from lightning_app.metrics.score import Result
from lightning_app.runs.folder import TestFolder
from lightning_app.runs.records import (
    DataRecord,
    RecordError,
    read_record,
    read_rows,
    value_of,
    write_record,
)
from lightning_app.utils.json_csv import write_csv

_NAMES = ("case", "patient")
CASE_COLUMNS = (*_NAMES, "class", *COUNTS, "dice")


@dataclass(frozen=True)
class TestRecord:
    """metrics.json.

    Attributes:
        data: what was tested.
        epoch: the epoch of the tested weights.
        computed_with: precision and acceleration, such as "bf16-mixed, channels_last"; empty if an
            earlier version did not record it.
        patients_trained_on: tested patients on which the run was trained or its epoch chosen.
        accuracy_of_nothing: by class, of predicting no pixel at all.
        scores: the count scores.
        volumes: the volume scores; empty if an earlier version did not compute them.
    """

    __test__ = False  # pytest, this is not a test
    data: DataRecord
    epoch: int
    computed_with: str
    patients_trained_on: int
    accuracy_of_nothing: Mapping[str, float]
    scores: Results
    volumes: Results


def write_test(
    folder: TestFolder, facts: Mapping[str, Any], scores: Results, volumes: Results
) -> None:
    """Write metrics.json.

    Args:
        folder: of the test.
        facts: everything except scores: data, checkpoint, how the scores were computed.
        scores: the count scores.
        volumes: the volume scores.
    """
    content = {**facts, "scores": _to_json(scores), "volumes": _to_json(volumes)}
    write_record(folder.metrics, content)


def read_test(folder: TestFolder) -> TestRecord:
    """Read metrics.json of this or an earlier version.

    Raises:
        RecordError: damaged, incomplete, or of a later version.
        OSError: the file is not there.
    """
    path = folder.metrics
    content = read_record(path)
    return TestRecord(
        data=DataRecord.from_json(value_of(content, "data", path), path),
        epoch=epoch_of_test(folder),
        computed_with=_computed_with(content.get("computed_with")),
        patients_trained_on=int(value_of(content, "patients_trained_on", path)),
        accuracy_of_nothing={
            name: float(share)
            for name, share in value_of(content, "accuracy_of_nothing", path).items()
        },
        scores=_from_json(value_of(content, "scores", path)),
        volumes=_from_json(content.get("volumes") or {}),
    )


def epoch_of_test(folder: TestFolder) -> int:
    """The epoch of the weights that were tested. Raises as ``read_test`` does."""
    checkpoint = value_of(read_record(folder.metrics), "checkpoint", folder.metrics)
    return int(value_of(checkpoint, "epoch", folder.metrics))


def is_complete(folder: TestFolder) -> bool:
    """Whether a test that wrote metrics.json also wrote what a report needs beside it.

    An earlier version wrote the files one by one, and a kill left only the first of them.

    Raises:
        RecordError, OSError: as ``read_test`` does.
    """
    needed = [folder.slices, folder.cases, folder.masks]
    if read_record(folder.metrics).get("volumes"):
        needed.append(folder.volumes)
    return all(path.is_file() for path in needed)


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
        OSError: the file is not there.
    """
    path = folder.slices
    rows = read_rows(path, (*_NAMES, "slice", "class", *COUNTS))
    if not rows or [row["class"] for row in rows] != [*classes] * (len(rows) // len(classes)):
        raise RecordError(f"{path.name} does not hold a row for each slice and class")
    slices = rows[:: len(classes)]
    counts = np.array([[int(row[name]) for name in COUNTS] for row in rows], np.int64)
    return CountTable(
        tuple(classes),
        [row["case"] for row in slices],
        [row["patient"] for row in slices],
        [int(row["slice"]) for row in slices],
        counts.reshape(len(slices), len(classes), len(COUNTS)),
    )


def write_volumes(folder: TestFolder, table: VolumeTable) -> None:
    """Write volumes.csv: every volume score of each case and class; empty cells if undefined."""
    rows = [
        (case, patient, name, *(_number(values[row, index]) for values in table.values.values()))
        for row, (case, patient) in enumerate(zip(table.cases, table.patients, strict=True))
        for index, name in enumerate(table.classes)
    ]
    write_csv(folder.volumes, (*_NAMES, "class", *table.values), rows)


def read_volumes(folder: TestFolder, classes: Sequence[str]) -> VolumeTable | None:
    """Read volumes.csv; None if the test is of an earlier version, which wrote none.

    Raises:
        RecordError: it does not hold a row for each case and class.
    """
    path = folder.volumes
    if not path.is_file():
        return None
    rows = read_rows(path, (*_NAMES, "class"))
    if not rows or [row["class"] for row in rows] != [*classes] * (len(rows) // len(classes)):
        raise RecordError(f"{path.name} does not hold a row for each case and class")
    cases = rows[:: len(classes)]
    names = [name for name in rows[0] if name not in {*_NAMES, "class"}]
    values = {
        name: np.array([float(row[name] or math.nan) for row in rows]).reshape(len(cases), -1)
        for name in names
    }
    patients = [row["patient"] for row in cases]
    return VolumeTable(tuple(classes), [row["case"] for row in cases], patients, values)


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


def _to_json(results: Results) -> dict[str, Any]:
    return {
        name: {score: _result_to_json(result) for score, result in scores.items()}
        for name, scores in results.items()
    }


def _result_to_json(result: Result) -> dict[str, float | None]:
    low, high = result.interval or (None, None)
    return {"value": result.value, "low": low, "high": high}


def _from_json(content: Mapping[str, Any]) -> dict[str, dict[str, Result]]:
    return {
        name: {score: _result_from_json(numbers) for score, numbers in scores.items()}
        for name, scores in content.items()
    }


def _result_from_json(content: Mapping[str, Any]) -> Result:
    value, low, high = (content[key] for key in ("value", "low", "high"))
    interval = None if low is None else (float(low), float(high))
    return Result(None if value is None else float(value), interval)


def _computed_with(content: Mapping[str, Any] | None) -> str:
    """What was on, such as "bf16-mixed, channels_last"."""
    if content is None:
        return ""
    options = (name for name, value in content["acceleration"].items() if value)
    return ", ".join((content["precision"], *options))
