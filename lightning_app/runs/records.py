"""What a run records about itself in JSON and CSV: the same code writes and reads it.

Every JSON record holds the number of its format. Records of earlier versions, which wrote none, can
be read; those of a later version of the program are refused. Imports no torch.
"""

import csv
import reprlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path, PurePath
from typing import Any

from data_modules.catalog.source import Source
from data_modules.window import AUTO
from lightning_app.runs.record_values import RecordError, Values
from lightning_app.utils.json_csv import read_json, write_csv, write_json
from lightning_app.utils.text import printable
from lightning_app.utils.yaml_file import get_option, read_yaml_sections

FORMAT_KEY = "format"
FORMAT = 1  # to be raised if earlier versions of the program could misread a record


def write_record(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON record. Raises ValueError for NaN, which JSON does not have."""
    write_json(path, {FORMAT_KEY: FORMAT, **content})


def read_record(path: Path) -> dict[str, Any]:
    """Read a JSON record of this or an earlier format.

    Raises:
        RecordError: it cannot be read, is not a JSON object, or is of a later format.
        FileNotFoundError: there is none.
    """
    with _readable(path):
        content: Any = read_json(path)
    if not isinstance(content, dict):
        raise RecordError(path, f"it is a {type(content).__name__}, expected a JSON object")
    written = content.get(FORMAT_KEY, 0)
    if not isinstance(written, int) or written > FORMAT:
        raise RecordError(
            path,
            f"its format is {reprlib.repr(written)}, expected {FORMAT} at most: it was written by "
            "a later version of the program",
        )
    return content


def read_config(path: Path) -> dict[str, Any]:
    """Read the config of a run.

    Raises:
        RecordError: it cannot be read, or is not a mapping.
        FileNotFoundError: there is none.
    """
    with _readable(path):
        content: Any = read_yaml_sections(path)
    if not isinstance(content, dict):
        kind = "empty" if content is None else f"a {type(content).__name__}"
        raise RecordError(path, f"it is {kind}, expected a mapping of options to values")
    return content


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Raise what is wrong with a file's content or with the access to it as a RecordError."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise RecordError(path, f"it cannot be read: {error.strerror}") from error
    except RecursionError as error:
        raise RecordError(path, "it is nested too deep") from error
    except (ValueError, csv.Error) as error:
        raise RecordError(path, str(error)) from error


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
        slices_format: how the slices were prepared; 0 if an earlier version did not record it.
        eval_fingerprint: of the slices of validation and test; empty if an earlier version did not
            record it.
        root: their folder; None for the built-in phantom.
        phantom_seed: None for files, and if an earlier version did not record it.
        window: height and width of what the network gets in training; None for whole slices.
    """

    kind: str
    fingerprint: str
    split: str
    target: str
    slices: str | list[int]
    eval_slices: str | list[int]
    spacing: Mapping[str, Sequence[float]] = field(default_factory=dict)
    slices_format: int = 0
    eval_fingerprint: str = ""
    root: str | None = None
    phantom_seed: str | None = None
    window: tuple[int, int] | None = None

    @classmethod
    def of(cls, description: Mapping[str, Any]) -> "DataRecord":
        """Of data that are loaded, from the description of the data module."""
        return cls(**{attribute.name: description[attribute.name] for attribute in fields(cls)})

    @classmethod
    def from_values(cls, values: Values) -> "DataRecord":
        """From the ``data`` of a record. Raises RecordError."""
        kind, fingerprint, split, target = map(
            values.text, ("kind", "fingerprint", "split", "target")
        )
        spacing = values.values_or_none("spacing")
        return cls(
            kind,
            fingerprint,
            split,
            target,
            values.choice("slices"),
            values.choice("eval_slices"),
            {axis: spacing.numbers(axis, 2) for axis in spacing.content},
            values.whole_number("slices_format") if values.has("slices_format") else 0,
            values.text("eval_fingerprint", ""),
            values.text("root") if values.has("root") else None,
            values.text("phantom_seed") if values.has("phantom_seed") else None,
            _size(values, "window") if values.has("window") else None,
        )

    @property
    def name(self) -> str:
        """The name of their folder; "phantom" for the built-in one."""
        return self.kind if self.root is None else PurePath(self.root).name

    @property
    def source(self) -> Source:
        """Where the patients come from."""
        return Source(self.kind, self.phantom_seed)

    @property
    def omits_blank_slices(self) -> bool:
        """Whether ``all`` slices were tested by an earlier version: only those with brain."""
        return self.eval_slices == "all" and not self.slices_format

    def is_earlier_preparation_of(self, other: "DataRecord") -> bool:
        """Whether an earlier version prepared other slices of what looks like the same data."""
        same = ("kind", "split", "target", "slices", "eval_slices")
        return (
            self.slices_format < other.slices_format
            and self.fingerprint != other.fingerprint
            and all(getattr(self, name) == getattr(other, name) for name in same)
        )


@dataclass(frozen=True)
class EnvironmentRecord:
    """environment.json: what a run ran on, and its data; empty if an earlier version lacks it.

    Attributes:
        device: of the training.
        python: its version.
        packages: their versions.
        commit: of the program.
        changed: whether files of the program differed from the commit.
        data: of the training.
    """

    device: str
    python: str
    packages: Mapping[str, str]
    commit: str
    changed: bool
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
    before = content.get("resumed")
    resumed = [*(before if isinstance(before, list) else []), environment]
    write_record(path, {**content, "resumed": resumed})


def trained_window(config: Path, environment: Path) -> tuple[int, int] | None:
    """Height and width of what a network got, from the records of its run; None for whole slices.

    Raises:
        RecordError: a record is damaged.
    """
    chosen = get_option(read_config(config), "data.window")
    window = read_environment(environment).data.window if chosen == AUTO else chosen
    if chosen == AUTO and window is None:
        raise RecordError(environment, f"data.window is missing, which {AUTO} has found")
    return window and (window[0], window[1])


def read_environment(path: Path) -> EnvironmentRecord:
    """Read environment.json.

    Raises:
        RecordError: see ``read_record``; or it does not describe the data.
        FileNotFoundError: there is none.
    """
    values = Values(read_record(path), path)
    packages, git = values.values_or_none("packages"), values.values_or_none("git")
    return EnvironmentRecord(
        device=values.text("device", ""),
        python=values.text("python", ""),
        packages={printable(name): packages.text(name) for name in packages.content},
        commit=git.text("commit", ""),
        changed=bool(git.content.get("changed")),
        data=DataRecord.from_values(values.values("data")),
    )


@dataclass(frozen=True)
class NetworkRecord:
    """network.json: parameters and multiply-adds of the network for one image (height, width)."""

    parameters: int
    multiply_adds: int
    image_size: tuple[int, int]


def read_network(path: Path) -> NetworkRecord:
    """Read network.json, which ``write_record`` has written. Raises as ``read_record`` does."""
    values = Values(read_record(path), path)
    return NetworkRecord(
        values.whole_number("parameters"),
        values.whole_number("multiply_adds"),
        _size(values, "image_size"),
    )


def _size(values: Values, name: str) -> tuple[int, int]:
    """Height and width."""
    height, width = values.numbers(name, 2)
    return int(height), int(width)


_SPLIT_COLUMNS = ("case", "patient", "side")


def write_split(path: Path, rows: Iterable[tuple[str, str, str]]) -> None:
    """Write split.csv: case, patient and split (the column ``side``) of every case."""
    write_csv(path, _SPLIT_COLUMNS, rows)


def read_split(path: Path) -> list[tuple[str, str, str]]:
    """Read split.csv. Raises as ``read_rows`` does."""
    rows = read_rows(path, _SPLIT_COLUMNS)
    return [(row["case"], row["patient"], row["side"]) for row in rows]


def read_rows(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a CSV file that has some columns, without control characters in the cells.

    Raises:
        RecordError: it cannot be read, or a column or a cell is missing.
        FileNotFoundError: there is none.
    """
    with _readable(path), path.open(newline="", encoding="utf-8") as file:
        header, *lines = list(csv.reader(file)) or [[]]
    if missing := sorted(set(columns) - set(header)):
        raise RecordError(path, f"there is no column {', '.join(missing)}")
    names = [printable(name) for name in header]
    rows = []
    for number, cells in enumerate(lines, start=2):
        if not cells:  # an empty line
            continue
        if len(cells) != len(names):
            raise RecordError(path, f"line {number} has {len(cells)} cells, expected {len(names)}")
        texts = cells if "".join(cells).isprintable() else map(printable, cells)
        rows.append(dict(zip(names, texts, strict=True)))
    return rows
