"""What an offline W&B run has written to its disk, read without W&B's server."""

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import wandb
from wandb.proto import wandb_internal_pb2

_BLOCK = 32768  # LevelDB's log format, in blocks; each piece has crc, length and type before it
_HEADER = 7


@dataclass
class Written:
    """The content of a ``.wandb`` file: rows in order, config and summary as they ended."""

    id: str = ""
    project: str = ""
    rows: list[dict[str, Any]] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    artifacts: list[str] = field(default_factory=list)
    exit_code: int | None = None


def offline_runs(folder: Path) -> list[Written]:
    """All offline parts below a run's folder, the oldest first."""
    wandb.teardown()  # its service may still be writing
    return [_written(path) for path in sorted(folder.glob("wandb/offline-run-*/*.wandb"))]


def _written(path: Path) -> Written:
    found = Written()
    for content in _records(path.read_bytes()):
        record: Any = wandb_internal_pb2.Record()  # type: ignore[attr-defined]
        record.ParseFromString(content)
        kind = record.WhichOneof("record_type")
        if kind == "run":
            found.id, found.project = record.run.run_id, record.run.project
            _set(found.config, record.run.config.update)
        elif kind == "history":
            found.rows.append(_set({}, record.history.item))
        elif kind == "config":
            _set(found.config, record.config.update)
        elif kind == "summary":
            _set(found.summary, record.summary.update)
        elif kind == "artifact":
            found.artifacts.append(record.artifact.name)
        elif kind == "exit":
            found.exit_code = record.exit.exit_code
    return found


def _set(content: dict[str, Any], items: Any) -> dict[str, Any]:
    for item in items:
        *path, last = list(item.nested_key) or [item.key]
        inner = content
        for key in path:
            inner = inner.setdefault(key, {})
        inner[last] = json.loads(item.value_json)
    return content


def _records(content: bytes) -> Iterator[bytes]:
    place, whole = _HEADER, b""
    while place + _HEADER <= len(content):
        if _BLOCK - place % _BLOCK < _HEADER:  # too little room for a header: padding
            place += _BLOCK - place % _BLOCK
            continue
        _, length, piece = struct.unpack_from("<IHB", content, place)
        whole += content[place + _HEADER : place + _HEADER + length]
        place += _HEADER + length
        if piece in {1, 4}:  # whole in one piece, or its last one
            yield whole
            whole = b""
