"""The index of a cached array: JSON with a checksum of itself."""

import json
import os
from pathlib import Path
from typing import Any, BinaryIO

import xxhash

ARRAY, INDEX = "array.npy", "index.json"
FORMAT = 7  # raise it when the same files and options would give other arrays, or other files
_FORMAT = "format"  # a key of the index
_CHECKSUM = "checksum"  # a key of the index


def write_index(path: Path, index: dict[str, Any]) -> None:
    """Write an index with its format and checksum, and flush it to disk.

    Raises:
        OSError: It cannot be written.
    """
    with path.open("wb") as file:
        content = {**index, _FORMAT: FORMAT}
        file.write(json.dumps({**content, _CHECKSUM: _checksum(content)}).encode())
        flush_to_disk(file)


def read_index(path: Path) -> dict[str, Any]:
    """Read an index without its checksum.

    Raises:
        OSError: It cannot be read.
        ValueError: It is not as it was written.
    """
    index = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(index, dict) or index.pop(_CHECKSUM, None) != _checksum(index):
        raise ValueError(f"'{path}' is damaged")
    return index


def is_of_earlier_version(folder: Path) -> bool:
    """Whether a folder holds an array of an earlier format, which is not used any more."""
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    if not isinstance(index, dict) or not (folder / ARRAY).is_file():
        return False
    written = index.get(_FORMAT, 0)  # no format before 7
    return isinstance(written, int) and written < FORMAT


def flush_to_disk(file: BinaryIO) -> None:
    """Wait until a file is on the disk."""
    file.flush()
    os.fsync(file.fileno())


def _checksum(index: dict[str, Any]) -> str:
    return xxhash.xxh3_128_hexdigest(json.dumps(index).encode())
