"""Reads what an offline W&B run has written to the disk, without W&B's server."""

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

wandb = pytest.importorskip("wandb")
wandb_internal_pb2 = pytest.importorskip("wandb.proto.wandb_internal_pb2")

_BLOCK = 32768  # LevelDB's log format: blocks of fragments, each after its CRC, length and type
_HEADER = 7
_PROTOCOL: Any = wandb_internal_pb2


@dataclass
class Written:
    """The content of a ``.wandb`` file: all rows, and the final config and summary."""

    id: str = ""
    project: str = ""
    rows: list[dict[str, Any]] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    artifacts: list[str] = field(default_factory=list)
    exit_code: int | None = None


def offline_runs(folder: Path) -> list[Written]:
    """All offline parts in a run's folder, the oldest first."""
    wandb.teardown()  # W&B's service may still be writing
    return [_written(path) for path in sorted(folder.glob("wandb/offline-run-*/*.wandb"))]


def _written(path: Path) -> Written:
    written = Written()
    for content in _records(path.read_bytes()):
        record = _PROTOCOL.Record()
        record.ParseFromString(content)
        kind = record.WhichOneof("record_type")
        if kind == "run":
            written.id, written.project = record.run.run_id, record.run.project
            _set(written.config, record.run.config.update)
        elif kind == "history":
            written.rows.append(_set({}, record.history.item))
        elif kind == "config":
            _set(written.config, record.config.update)
        elif kind == "summary":
            _set(written.summary, record.summary.update)
        elif kind == "artifact":
            written.artifacts.append(record.artifact.name)
        elif kind == "exit":
            written.exit_code = record.exit.exit_code
    return written


def _set(content: dict[str, Any], items: Any) -> dict[str, Any]:
    for item in items:
        *path, last = list(item.nested_key) or [item.key]
        inner = content
        for key in path:
            inner = inner.setdefault(key, {})
        inner[last] = json.loads(item.value_json)
    return content


def _records(content: bytes) -> Iterator[bytes]:
    position, record = _HEADER, b""
    while position + _HEADER <= len(content):
        if _BLOCK - position % _BLOCK < _HEADER:  # padding: too short for a header
            position += _BLOCK - position % _BLOCK
            continue
        _, length, fragment = struct.unpack_from("<IHB", content, position)
        record += content[position + _HEADER : position + _HEADER + length]
        position += _HEADER + length
        if fragment in {1, 4}:  # a full record, or the last fragment of one
            yield record
            record = b""
