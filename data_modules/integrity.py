"""Whether a NIfTI file is whole.

ITK reads missing bytes, NaN and infinity as zeros, and writes half a file to a full disk, in
silence. Other formats are left to their reader.
"""

import errno
import gzip
import struct
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import SimpleITK as sitk
from nibabel.filebasedimages import ImageFileError

from data_modules.errors import DataError

_CHUNK = 1 << 20


def check_whole(path: Path) -> None:
    """Stop where a NIfTI file is cut short, or holds NaN or infinite voxels.

    Raises:
        DataError: naming the file and what was expected.
    """
    if not path.name.endswith((".nii", ".nii.gz")):
        return
    try:
        image: Any = nib.load(path)
        expected = image.dataobj.offset + _voxel_bytes(image)
        held = _length_after_unpacking(path, expected)
        odd = 0 if held < expected else _count_not_finite(image)
    except (OSError, EOFError, ValueError, ImageFileError) as error:
        raise DataError(f"{path}: cannot be read as an image ({_first_line(error)})") from None
    if held < expected:
        raise DataError(f"{path}: is cut short, {held} bytes of {expected} after unpacking")
    if odd:
        raise DataError(f"{path}: {odd} voxels are NaN or infinite, expected finite ones")


def write_whole(image: sitk.Image, path: Path) -> None:
    """Write an image as compressed NIfTI, or nothing.

    Raises:
        OSError: it cannot be written, or not to its end.
    """
    try:
        sitk.WriteImage(image, str(path), useCompression=True)
        check_whole(path)
    except (RuntimeError, DataError):
        path.unlink(missing_ok=True)
        raise OSError(
            errno.EIO, "cannot be written to its end; the disk may be full", str(path)
        ) from None


def _voxel_bytes(image: Any) -> int:  # noqa: ANN401 (nibabel has no types)
    return int(np.prod(image.shape, dtype=np.int64)) * int(image.get_data_dtype().itemsize)


def _length_after_unpacking(path: Path, expected: int) -> int:
    """Bytes that a file holds when unpacked."""
    if not path.name.endswith(".gz"):
        return path.stat().st_size
    with path.open("rb") as file:
        file.seek(-4, 2)
        (said,) = struct.unpack("<I", file.read(4))
    if said == expected % 2**32:
        return expected  # as the last four bytes of a whole file say
    # Cut short, or of several parts: only unpacking it tells.
    length = 0
    with gzip.open(path) as unpacked:
        try:
            while chunk := unpacked.read(_CHUNK):
                length += len(chunk)
        except EOFError:
            return min(length, expected - 1)
    return length


def _count_not_finite(image: Any) -> int:  # noqa: ANN401
    if not np.issubdtype(image.get_data_dtype(), np.floating):
        return 0
    voxels = np.asanyarray(image.dataobj)
    return int(voxels.size - np.count_nonzero(np.isfinite(voxels)))


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
