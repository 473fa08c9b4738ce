"""The values of a record, each checked as it is read: a record may be damaged or anybody's."""

import reprlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from lightning_app.utils.errors import UsageError
from lightning_app.utils.text import printable

LARGEST = 2**53  # up to which a float, and JSON's readers, tell whole numbers apart

T = TypeVar("T")


class RecordError(UsageError, ValueError):
    """A record is damaged, incomplete, or of a later version.

    Args:
        path: the file.
        problem: what is wrong with it.

    Attributes:
        in_run: the message without the folder.
    """

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.in_run = f"{path.name}: {problem}"


@dataclass(frozen=True)
class Values:
    """An object of a JSON or YAML record.

    Every method raises RecordError if there is no such value, or if it is of another type.

    Attributes:
        content: the object.
        path: the file.
        name: of the object in the file, such as data; empty for the whole.
    """

    content: Mapping[str, Any]
    path: Path
    name: str = ""

    def has(self, key: str) -> bool:
        """Whether there is a value, other than null."""
        return self.content.get(key) is not None

    def text(self, key: str, default: str | None = None) -> str:
        """A text in one line, without control characters."""
        if default is not None and not self.has(key):
            return default
        return printable(self._checked(key, lambda value: isinstance(value, str), "text"))

    def texts(self, key: str) -> list[str]:
        """A list of at least one text, each in one line and without control characters."""
        texts = self._checked(key, _are_texts, "a list of names")
        return [printable(text) for text in texts]

    def whole_number(self, key: str) -> int:
        """A whole number from 0 up."""
        return int(self._checked(key, _is_whole_number, f"a whole number from 0 to {LARGEST}"))

    def switch(self, key: str) -> bool:
        """True or false."""
        return bool(self._checked(key, lambda value: isinstance(value, bool), "true or false"))

    def number(self, key: str) -> float:
        """A finite number."""
        return float(self._checked(key, _is_number, "a finite number"))

    def numbers(self, key: str, count: int) -> list[float]:
        """A list of so many finite numbers."""
        numbers = self._checked(
            key,
            lambda value: _is_list(value, _is_number) and len(value) == count,
            f"a list of {count} numbers",
        )
        return list(map(float, numbers))

    def choice(self, key: str) -> str | list[int]:
        """A text, or a list of whole numbers."""
        choice = self._checked(
            key,
            lambda value: isinstance(value, str) or _is_list(value, _is_whole_number),
            "a text or a list of whole numbers",
        )
        return printable(choice) if isinstance(choice, str) else choice

    def values(self, key: str) -> "Values":
        """An object."""
        content = self._checked(key, lambda value: isinstance(value, dict), "a mapping")
        return Values(content, self.path, self._full_name(key))

    def values_or_none(self, key: str) -> "Values":
        """An object; an empty one if there is none."""
        return self.values(key) if self.has(key) else Values({}, self.path, self._full_name(key))

    def list_of_values(self, key: str) -> list["Values"]:
        """A list of objects."""
        objects = self._checked(
            key,
            lambda value: _is_list(value, lambda item: isinstance(item, dict)),
            "a list of mappings",
        )
        name = self._full_name(key)
        return [Values(item, self.path, f"{name}[{i}]") for i, item in enumerate(objects)]

    def _checked(self, key: str, fits: Callable[[Any], bool], expected: str) -> Any:
        if key not in self.content:
            raise RecordError(self.path, f"'{self._full_name(key)}' is missing")
        value = self.content[key]
        if not fits(value):
            found = printable(reprlib.repr(value))
            raise RecordError(self.path, f"{self._full_name(key)} is {found}, expected {expected}")
        return value

    def _full_name(self, key: str) -> str:
        return printable(f"{self.name}.{key}" if self.name else key)


def column(
    rows: Sequence[Mapping[str, str]], name: str, parse: Callable[[str], T], path: Path
) -> list[T]:
    """A column of a CSV file.

    Args:
        rows: of the file, as ``read_rows`` gives them.
        name: of the column.
        parse: of a cell; raises ValueError with what is expected.
        path: the file.

    Raises:
        RecordError: a cell is not what it must be.
    """
    parsed = []
    for line, row in enumerate(rows, start=2):
        try:
            parsed.append(parse(row[name]))
        except ValueError as error:
            found = reprlib.repr(row[name])
            raise RecordError(path, f"line {line}: {name} is {found}, expected {error}") from None
    return parsed


def whole_number(cell: str) -> int:
    """The whole number in a cell, from 0 up. Raises ValueError."""
    expected = f"a whole number from 0 to {LARGEST}"
    try:
        number = int(cell)
    except ValueError:
        raise ValueError(expected) from None
    if not _is_whole_number(number):
        raise ValueError(expected)
    return number


def number(cell: str) -> float:
    """The finite number in a cell. Raises ValueError."""
    try:
        value = float(cell)
    except ValueError:
        raise ValueError("a number") from None
    if not _is_number(value):
        raise ValueError("a finite number")
    return value


def _is_whole_number(value: object) -> bool:
    return isinstance(value, int) and 0 <= value <= LARGEST


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and abs(value) <= LARGEST  # NaN is not


def _is_list(value: object, fits: Callable[[object], bool]) -> bool:
    return isinstance(value, list) and all(map(fits, value))


def _are_texts(value: object) -> bool:
    return bool(value) and _is_list(value, lambda text: isinstance(text, str))
