"""What a test records: metrics.json and the CSV files beside it, written and read by the same code.

Imports no torch: a report reads many tests.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data_modules.utils.words import number_range
from lightning_app.ensembles.member_record import MEMBERS_KEY, Members
from lightning_app.metrics.case_masks import VolumeTable
from lightning_app.metrics.count_table import COUNTS, CountTable
from lightning_app.metrics.evaluate import Results
from lightning_app.metrics.score import Result
from lightning_app.postprocessing.postprocessing import Postprocessing
from lightning_app.runs.folder import TestFolder
from lightning_app.runs.record_values import (
    LARGEST,
    RecordError,
    Values,
    column,
    number,
    whole_number,
)
from lightning_app.runs.records import DataRecord, read_record, read_rows, write_record
from lightning_app.utils.json_csv import write_csv
from lightning_app.utils.text import is_file_name, printable

POSTPROCESSING_KEY = "postprocessing"  # in metrics.json
POSTPROCESSING = "post-processing"  # a setting of a test, beside the options of its run
_NAMES = ("case", "patient")
CASE_COLUMNS = (*_NAMES, "class", *COUNTS, "dice")


@dataclass(frozen=True)
class TestRecord:
    """metrics.json.

    Attributes:
        data: what was tested.
        epoch: the epoch of the tested weights; None for an ensemble, whose members have them.
        members: of an ensemble; none for a run by itself.
        computed_with: precision and acceleration, such as "bf16-mixed, channels_last"; empty if an
            earlier version did not record it.
        patients_trained_on: tested patients on which the run was trained or its epoch chosen.
        accuracy_of_nothing: by class, of predicting no pixel at all.
        scores: the count scores.
        volumes: the volume scores; empty if an earlier version did not compute them.
        postprocessing: what was done to the masks, which may have been nothing; None if nobody
            asked what to do.
    """

    __test__ = False  # pytest, this is not a test
    data: DataRecord
    epoch: int | None
    members: Members
    computed_with: str
    patients_trained_on: int
    accuracy_of_nothing: Mapping[str, float]
    scores: Results
    volumes: Results
    postprocessing: Postprocessing | None = None

    @property
    def settings(self) -> dict[str, str]:
        """What tests may differ in, as options of a run are."""
        return {POSTPROCESSING: str(self.postprocessing is not None)}

    @property
    def epochs(self) -> list[int]:
        """The epochs of the tested weights, one for each run."""
        members = [member.epoch for member in self.members.runs]
        return members if self.epoch is None else [self.epoch]


def write_test(
    folder: TestFolder,
    facts: Mapping[str, Any],
    scores: Results,
    volumes: Results,
    raw: tuple[Results, Results] | None = None,
) -> None:
    """Write metrics.json.

    Args:
        folder: of the test.
        facts: everything except scores: data, checkpoint, how the scores were computed.
        scores: the count scores.
        volumes: the volume scores.
        raw: both without post-processing; None if there was none.
    """
    content = {**facts, "scores": _to_json(scores), "volumes": _to_json(volumes)}
    if raw is not None:
        content |= {"scores_raw": _to_json(raw[0]), "volumes_raw": _to_json(raw[1])}
    write_record(folder.metrics, content)


def read_test(folder: TestFolder) -> TestRecord:
    """Read metrics.json of this or an earlier version.

    Raises:
        RecordError: damaged, incomplete, or of a later version.
        FileNotFoundError: there is none.
    """
    values = Values(read_record(folder.metrics), folder.metrics)
    shares, scores = values.values("accuracy_of_nothing"), _scores(values.values("scores"))
    if not scores:
        raise RecordError(folder.metrics, "scores is empty")
    return TestRecord(
        data=DataRecord.from_values(values.values("data")),
        epoch=None if values.has(MEMBERS_KEY) else _epoch(values),
        members=Members.from_values(values),
        computed_with=_computed_with(values.values_or_none("computed_with")),
        patients_trained_on=values.whole_number("patients_trained_on"),
        accuracy_of_nothing={name: shares.number(name) for name in scores},
        scores=scores,
        volumes=_scores(values.values_or_none("volumes")),
        postprocessing=_postprocessing(values),
    )


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


def _to_json(results: Results) -> dict[str, Any]:
    return {
        name: {score: result_to_json(result) for score, result in scores.items()}
        for name, scores in results.items()
    }


def result_to_json(result: Result) -> dict[str, float | None]:
    """Value, interval and, for a volume score, number of cases as JSON."""
    low, high = result.interval or (None, None)
    number = {} if result.n is None else {"n": result.n}
    return {"value": result.value, "low": low, "high": high, **number}


def _scores(values: Values) -> dict[str, dict[str, Result]]:
    """The results in metrics.json, by class and name of the score."""
    results = {}
    for name in values.content:
        if not is_file_name(name):
            raise RecordError(values.path, f"scores are of {name!r}, expected the name of a class")
        scores = values.values(name)
        results[name] = {score: _result(scores.values(score)) for score in scores.content}
    return results


def _result(values: Values) -> Result:
    value = values.number("value") if values.has("value") else None
    interval = (values.number("low"), values.number("high")) if values.has("low") else None
    n = values.whole_number("n") if values.has("n") else None
    return Result(value, interval, n)


def _postprocessing(values: Values) -> Postprocessing | None:
    if not values.has(POSTPROCESSING_KEY):
        return None
    try:
        return Postprocessing.from_json(values.values(POSTPROCESSING_KEY).content)
    except ValueError as error:
        raise RecordError(values.path, f"{POSTPROCESSING_KEY}: {error}") from None


def _epoch(values: Values) -> int:
    return values.values("checkpoint").whole_number("epoch")


def _computed_with(values: Values) -> str:
    """What was on, such as "bf16-mixed, channels_last"."""
    if not values.content:
        return ""
    acceleration = values.values("acceleration").content
    options = (printable(name) for name, value in acceleration.items() if value)
    return ", ".join((values.text("precision"), *options))


def _number_or_nan(cell: str) -> float:
    return number(cell) if cell else math.nan
