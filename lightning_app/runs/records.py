"""What a run records about itself in JSON and CSV: the same code writes and reads it.

Every JSON record holds the number of its format. Records of earlier versions, which wrote none, can
be read; those of a later version of the program are refused. Imports no torch.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lightning_app.utils.json_csv import read_json, write_csv, write_json

FORMAT_KEY = "format"
FORMAT = 1  # to be raised if earlier versions of the program could misread a record


class RecordError(ValueError):
    """A record is damaged, incomplete, or of a later version. The message names the file."""


def write_record(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON record. Raises ValueError for NaN, which JSON does not have."""
    write_json(path, {FORMAT_KEY: FORMAT, **content})


def read_record(path: Path) -> dict[str, Any]:
    """Read a JSON record of this or an earlier format.

    Raises:
        RecordError: damaged, not a JSON object, or of a later format.
        OSError: the file is not there.
    """
    try:
        content: Any = read_json(path)
    except (ValueError, RecursionError) as error:
        raise RecordError(f"{path.name}: {error}") from error
    if not isinstance(content, dict):
        raise RecordError(f"{path.name} holds {type(content).__name__}, expected a JSON object")
    written = content.get(FORMAT_KEY, 0)
    if not isinstance(written, int) or written > FORMAT:
        raise RecordError(
            f"{path.name} is of format {written}, expected {FORMAT} at most: it was written by a "
            "later version of the program"
        )
    return content


def value_of(content: Mapping[str, Any], key: str, path: Path) -> Any:
    """A value that a record must hold.

    Raises:
        RecordError: it does not.
    """
    if not isinstance(content, Mapping) or key not in content:
        raise RecordError(f"{path.name}: '{key}' is missing")
    return content[key]


@dataclass(frozen=True)
class DataRecord:
    """The data of a training or a test, from environment.json and metrics.json.

    Attributes:
        kind: phantom or files.
        fingerprint: of the slices, and so of the modality.
        split: fingerprint of case, patient and split.
        target: what is segmented.
        slices: which slices the training takes.
        eval_slices: which slices validation and test take.
        spacing: range of the training data's spacing in mm along x, y and z.
    """

    kind: str
    fingerprint: str
    split: str
    target: str
    slices: str | list[int]
    eval_slices: str | list[int]
    spacing: Mapping[str, Sequence[float]] = field(default_factory=dict)

    @classmethod
    def from_json(cls, content: Mapping[str, Any], path: Path) -> "DataRecord":
        """From the ``data`` of a record."""
        names = ("kind", "fingerprint", "split", "target")
        kind, fingerprint, split, target = (str(value_of(content, name, path)) for name in names)
        slices, eval_slices = (value_of(content, name, path) for name in ("slices", "eval_slices"))
        spacing = content.get("spacing") or {}
        return cls(kind, fingerprint, split, target, slices, eval_slices, spacing)


@dataclass(frozen=True)
class EnvironmentRecord:
    """environment.json: what a run ran on, and its data; empty if an earlier version lacks it."""

    device: str
    python: str
    packages: Mapping[str, str]
    git: Mapping[str, Any]
    data: DataRecord


def write_environment(path: Path, environment: Mapping[str, Any], data: Mapping[str, Any]) -> None:
    """Write environment.json at the start of a run.

    Args:
        path: the file.
        environment: versions, device, git state and command line.
        data: the description of the data module.
    """
    write_record(path, {**environment, "data": data})


def add_resumed(path: Path, environment: Mapping[str, Any]) -> None:
    """Add what a resumed run runs on, which may be another machine."""
    content = read_record(path)
    write_record(path, {**content, "resumed": [*content.get("resumed", []), environment]})


def read_environment(path: Path) -> EnvironmentRecord:
    """Read environment.json.

    Raises:
        RecordError: see ``read_record``; or it does not describe the data.
        OSError: the file is not there.
    """
    content = read_record(path)
    return EnvironmentRecord(
        str(content.get("device", "")),
        str(content.get("python", "")),
        content.get("packages") or {},
        content.get("git") or {},
        DataRecord.from_json(value_of(content, "data", path), path),
    )


@dataclass(frozen=True)
class NetworkRecord:
    """network.json: parameters and multiply-adds of the network for one image (height, width)."""

    parameters: int
    multiply_adds: int
    image_size: tuple[int, int]


def read_network(path: Path) -> NetworkRecord:
    """Read network.json, which ``write_record`` has written. Raises as ``read_record`` does."""
    content = read_record(path)
    height, width = value_of(content, "image_size", path)
    numbers = (int(value_of(content, name, path)) for name in ("parameters", "multiply_adds"))
    parameters, multiply_adds = numbers
    return NetworkRecord(parameters, multiply_adds, (int(height), int(width)))


_SPLIT_COLUMNS = ("case", "patient", "side")


def write_split(path: Path, rows: Iterable[tuple[str, str, str]]) -> None:
    """Write split.csv: case, patient and split (the column ``side``) of every case."""
    write_csv(path, _SPLIT_COLUMNS, rows)


def read_split(path: Path) -> list[tuple[str, str, str]]:
    """Read split.csv. Raises RecordError and OSError as ``read_rows`` does."""
    rows = read_rows(path, _SPLIT_COLUMNS)
    return [(row["case"], row["patient"], row["side"]) for row in rows]


def read_rows(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a CSV file that has some columns.

    Raises:
        RecordError: a column is missing.
        OSError: the file is not there.
    """
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if missing := set(columns) - set(reader.fieldnames or ()):
            raise RecordError(f"{path.name} has no column {', '.join(sorted(missing))}")
        return list(reader)
