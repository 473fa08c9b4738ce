"""Tells whether the content of a file has changed, without reading all of it."""

import os
from pathlib import Path

_MAGIC = b"\x1f\x8b"
_TRAILER = 8  # bytes at the end of a gzip member: CRC-32 and size of its content (RFC 1952, 2.3.1)
# A member that unpacks to less than this share of the whole file is not the only one.
_LEAST_EXPANSION = 0.9


def file_identity(path: Path) -> tuple[str | int, ...] | None:
    """What stays the same for as long as the content of a file does.

    For .gz it is the checksum and the size of the content, wherever the file is copied to. Other
    files have no checksum: it is their size, inode and time of change, which no program can set
    back. An unchanged file that was copied then counts as another one.

    Returns:
        The identity; None for an unreadable file, whose error is reported when it is read.
    """
    if not path.is_file():  # to open a pipe would wait for its writer
        return None
    try:
        return _gzip_identity(path) or _inode_identity(path)
    except OSError:
        return None


def _gzip_identity(path: Path) -> tuple[str | int, ...] | None:
    """None for a file that is no gzip file with a single member, such as one by bgzip."""
    if not path.name.lower().endswith(".gz"):
        return None
    stored = path.stat().st_size
    with path.open("rb") as file:
        is_gzip = file.read(len(_MAGIC)) == _MAGIC
        file.seek(-min(stored, _TRAILER), os.SEEK_END)
        trailer = file.read()
    size = int.from_bytes(trailer[4:], "little")
    is_single = is_gzip and size >= _LEAST_EXPANSION * stored
    return ("gzip", trailer.hex(), stored) if is_single else None


def _inode_identity(path: Path) -> tuple[str | int, ...]:
    status = path.stat()
    return ("inode", status.st_size, status.st_ino, status.st_ctime_ns)
