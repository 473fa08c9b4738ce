"""timing.json, of a training and of a test: written and read here. Imports no torch."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from callbacks.utils.atomic_write import atomic_write

FORMAT = 1  # to be raised if earlier versions could misread the file, which had no format at first


@dataclass(frozen=True)
class TimingRecord:
    """What a report needs of timing.json; None if it does not say.

    Attributes:
        seconds: of the training with validation, or of the test.
        device: on which they were measured.
    """

    seconds: float | None
    device: str | None


def write_timing(path: Path, record: Mapping[str, Any]) -> None:
    """Write timing.json."""
    with atomic_write(path) as temporary:
        text = json.dumps({"format": FORMAT, **record}, indent=2)
        temporary.write_text(f"{text}\n", "utf-8")


def read_timing(path: Path) -> TimingRecord:
    """Read timing.json; an empty record if there is none.

    Raises:
        ValueError: it is damaged, or of a later format.
    """
    if not path.is_file():
        return TimingRecord(None, None)
    try:
        content: Any = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path.name}: {error}") from error
    if not isinstance(content, dict) or content.get("format", 0) > FORMAT:
        raise ValueError(f"{path.name} is damaged, or was written by a later version")
    # The times of a training are those of its whole run; a test has only one part.
    times = content.get("run", content)
    return TimingRecord(times.get("seconds"), content.get("device"))
