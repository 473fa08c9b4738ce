"""A file's bytes, unpacked and known to be whole."""

import gzip
import zlib
from pathlib import Path

import deflate

from data_modules.utils.problems import COPY_AGAIN, BadFileError

_CHUNK = 1 << 20
_SIZE_FIELD = 4  # bytes at the end of a gzip member: its unpacked size (RFC 1952, 2.3.1)


def read_whole(path: Path, expected: int) -> bytes | bytearray:
    """Read a file, unpacked where its name ends in .gz.

    Memory is bounded by what is expected and what is there, whatever the file unpacks to.

    Args:
        path: the file.
        expected: bytes that it must hold when unpacked.

    Returns:
        The bytes expected, and perhaps some of those that follow.

    Raises:
        BadFileError: it is cut short, or its checksum is wrong.
    """
    content: bytes | bytearray
    if not path.name.endswith(".gz"):
        with path.open("rb") as file:
            content = file.read(min(expected, path.stat().st_size))
    else:
        content = _at_once(path, expected) or _in_chunks(path, expected)
    if len(content) < expected:
        what = f"is cut short: {len(content)} of {expected} bytes"
        raise BadFileError(path, what, COPY_AGAIN)
    return content


def _at_once(path: Path, expected: int) -> bytearray | None:
    """The content of a file that is as most are: one member with all that is expected.

    None for any other, which the slow way reads, or knows what is wrong with.
    """
    with path.open("rb") as file:
        packed = file.read(min(expected + _CHUNK, path.stat().st_size))
    size = int.from_bytes(packed[-_SIZE_FIELD:], "little")
    if not expected <= size <= expected + _CHUNK:
        return None
    try:
        content: bytearray = deflate.gzip_decompress(packed, size)  # the first member alone
    except deflate.DeflateError:
        return None
    return content if len(content) == size else None


def _in_chunks(path: Path, expected: int) -> bytearray:
    """The same by Python's own gzip, which reads several members and names what is wrong."""
    content = bytearray()
    try:
        with gzip.open(path) as unpacked:
            # To the end, and not only as far as the voxels go: the checksum stands there.
            while len(content) <= expected + _CHUNK and (chunk := unpacked.read1(_CHUNK)):
                content += chunk
    except EOFError:
        del content[expected - 1 :]  # all voxels may be there, but not the checksum
    except (gzip.BadGzipFile, zlib.error) as error:
        raise BadFileError(path, f"is damaged ({error})", COPY_AGAIN) from None
    return content
