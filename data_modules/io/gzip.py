"""Reading the bytes of a file, decompressed and checked to be complete."""

import gzip
import zlib
from pathlib import Path

import deflate

from data_modules.utils.problems import COPY_AGAIN, BadFileError

_CHUNK = 1 << 20
_SIZE_FIELD = 4  # bytes at the end of a gzip member: its decompressed size (RFC 1952, 2.3.1)


def read_complete(path: Path, expected: int) -> bytes | bytearray:
    """Read a file, decompressed if its name ends in .gz.

    Memory is bounded by the expected and the stored size, whatever the file decompresses to.

    Args:
        path: The file.
        expected: Bytes that it must have when decompressed.

    Returns:
        The expected bytes, and perhaps some that follow.

    Raises:
        BadFileError: It is truncated, or its checksum is wrong.
    """
    content: bytes | bytearray
    if not path.name.lower().endswith(".gz"):
        with path.open("rb") as file:
            content = file.read(min(expected, path.stat().st_size))
    else:
        content = _at_once(path, expected) or _in_chunks(path, expected)
    if len(content) < expected:
        what = f"is cut short: {len(content)} of {expected} bytes"
        raise BadFileError(path, what, COPY_AGAIN)
    return content


def _at_once(path: Path, expected: int) -> bytearray | None:
    """Decompress a file with a single member, as most are.

    None for any other file: the slow path reads it, or reports what is wrong.
    """
    with path.open("rb") as file:
        compressed = file.read(min(expected + _CHUNK, path.stat().st_size))
    size = int.from_bytes(compressed[-_SIZE_FIELD:], "little")
    if not expected <= size <= expected + _CHUNK:
        return None
    try:
        content: bytearray = deflate.gzip_decompress(compressed, size)  # only the first member
    except deflate.DeflateError:
        return None
    return content if len(content) == size else None


def _in_chunks(path: Path, expected: int) -> bytearray:
    """Decompress with Python's gzip, which reads several members and reports what is wrong."""
    content = bytearray()
    try:
        with gzip.open(path) as decompressed:
            # To the end, not only as far as the voxels: the checksum is there.
            while len(content) <= expected + _CHUNK and (chunk := decompressed.read1(_CHUNK)):
                content += chunk
    except EOFError:
        del content[expected - 1 :]  # all voxels may be there, but not the checksum
    except (gzip.BadGzipFile, zlib.error) as error:
        raise BadFileError(path, f"is damaged ({error})", COPY_AGAIN) from None
    return content
