"""Damages one value of one record of a run at a time."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import yaml

# Escape codes, a way out of a folder, a formula of matplotlib, half a character, and HTML.
HOSTILE = "\x1b[2J/../$\\frac$\ud800<b>"
VALUES: tuple[Any, ...] = (None, [1], {}, "x", float("inf"), 10**30, -1, HOSTILE)
CELLS = ("", "x", "inf", "nan", str(10**30), "-1", "\x1b[2J", "=1+1")
WHOLE_FILES = {
    "nothing": b"",
    "a list": b"[]",
    "a number": b"3",
    "words": b"words",
    "a NUL byte": b"\0",
    "invalid UTF-8": b"\xff\xfe\x80",
    "deep nesting": b"[" * 20_000,
    "a long field": b"x" * 200_000,
}

Damage = tuple[str, Callable[[], object]]  # what is damaged, and what does it


def all_damages(path: Path) -> Iterator[Damage]:
    """Everything that may be wrong with a record; each damage begins with the whole file."""
    content = path.read_bytes()
    yield "missing", path.unlink
    yield "half of it", partial(path.write_bytes, content[: len(content) // 2])
    for name, other in WHOLE_FILES.items():
        yield name, partial(path.write_bytes, other)
    text = content.decode()
    match path.suffix:
        case ".json":
            yield from _values(path, json.loads(text), json.dumps)
        case ".yaml":
            yield from _values(path, yaml.safe_load(text), _yaml)
        case ".csv":
            yield from _cells(path, text.splitlines())


def yaml_bomb() -> str:
    """A hundred billion values in a few lines."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 11)]
    return "\n".join(lines)


def _values(path: Path, content: Any, write: Callable[[Any], str]) -> Iterator[Damage]:
    for keys in _paths(content):
        changed = json.loads(json.dumps(content))
        *outer, last = keys
        inner = changed
        for key in outer:
            inner = inner[key]
        for value in VALUES:
            inner[last] = value
            yield f"{keys} is {value!r}", partial(path.write_text, write(changed), "utf-8")
        del inner[last]
        yield f"{keys} is deleted", partial(path.write_text, write(changed), "utf-8")


def _paths(content: Any) -> Iterator[tuple[Any, ...]]:
    """The keys that lead to each value."""
    if isinstance(content, dict | list):
        items = content.items() if isinstance(content, dict) else enumerate(content)
        for key, value in items:
            yield (key,)
            yield from ((key, *rest) for rest in _paths(value))


def _cells(path: Path, lines: list[str]) -> Iterator[Damage]:
    rows = [line.split(",") for line in lines]
    for index, column in enumerate(rows[0]):
        for cell in CELLS:
            last = [*rows[-1][:index], cell, *rows[-1][index + 1 :]]
            yield f"{column} is {cell!r}", partial(_write, path, [*rows[:-1], last])
        rest = [[*row[:index], *row[index + 1 :]] for row in rows]
        yield f"{column} is deleted", partial(_write, path, rest)
    yield "a row is missing", partial(_write, path, rows[:-1])
    yield "a row is repeated", partial(_write, path, [*rows, rows[-1]])
    yield "a cell is missing", partial(_write, path, [*rows[:-1], rows[-1][:-1]])
    yield "a cell too many", partial(_write, path, [*rows[:-1], [*rows[-1], "1"]])


def _write(path: Path, rows: list[list[str]]) -> None:
    path.write_text("".join(f"{','.join(row)}\r\n" for row in rows), "utf-8")


def _yaml(content: Any) -> str:
    return str(yaml.safe_dump(content))
