"""timing.json, of a training and of a test: written and read here. Imports no torch."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from callbacks.utils.atomic_write import atomic_write

_LONGEST_S = 1e9  # thirty years
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
        OSError: it cannot be opened.
    """
    try:
        content: Any = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return TimingRecord(None, None)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path.name}: {error}") from error
    if problem := _problem(content):
        raise ValueError(f"{path.name}: {problem}")
    return TimingRecord(_times(content).get("seconds"), content.get("device"))


def _problem(content: Any) -> str | None:
    """Why the content of a file is not a record; None if it is."""
    if not isinstance(content, dict) or not isinstance(_times(content), dict):
        return "it is not a mapping with the times in a mapping"
    if content.get("format", 0) not in range(FORMAT + 1):
        return "it was written by a later version"
    seconds, device = _times(content).get("seconds"), content.get("device")
    if seconds is not None and not _is_duration(seconds):
        return "seconds is not a number from 0 up"
    if device is not None and not isinstance(device, str):
        return "device is not a text"
    return None


def _times(content: dict[str, Any]) -> Any:
    """The times of a training are those of its whole run; a test has only one part."""
    return content.get("run", content)


def _is_duration(seconds: object) -> bool:
    return isinstance(seconds, int | float) and 0 <= seconds < _LONGEST_S
