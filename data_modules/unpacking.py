"""A file's bytes, unpacked and known to be whole."""

import gzip
import zlib
from pathlib import Path

from isal import igzip_lib, isal_zlib

from data_modules.problems import COPY_AGAIN, BadFileError

_CHUNK = 1 << 20
_GZIP = 31  # zlib's wbits for a gzip header and a checksum at the end


def read_whole(path: Path, expected: int) -> bytes:
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
    if not path.name.endswith(".gz"):
        with path.open("rb") as file:
            content = file.read(min(expected, path.stat().st_size))
    else:
        content = _at_once(path, expected) or _in_chunks(path, expected)
    if len(content) < expected:
        what = f"is cut short: {len(content)} of {expected} bytes"
        raise BadFileError(path, what, COPY_AGAIN)
    return content


def _at_once(path: Path, expected: int) -> bytes | None:
    """The content of a file that is as most are: one member with all that is expected.

    None for any other, which the slow way reads, or knows what is wrong with.
    """
    with path.open("rb") as file:
        packed = file.read(min(expected + _CHUNK, path.stat().st_size))
    member = isal_zlib.decompressobj(_GZIP)
    try:
        content: bytes = member.decompress(packed, expected + _CHUNK)
    except igzip_lib.IsalError:  # type: ignore[misc]  # its stubs take the class for an instance
        return None
    is_whole = member.eof and not member.unused_data and len(content) >= expected
    return content if is_whole else None


def _in_chunks(path: Path, expected: int) -> bytes:
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
    return bytes(content)
