"""Atomic writes of JSON and CSV files."""

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from callbacks.utils.atomic_write import atomic_write


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON file. Raises ValueError for NaN, which JSON lacks."""
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", "utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds an object."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV file; None becomes an empty cell."""
    with atomic_write(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
