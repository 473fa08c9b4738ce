"""Whether a NIfTI file is whole: ITK reads missing bytes, NaN and infinity as zeros in silence.

Other formats are left to their reader.
"""

import gzip
import struct
import zlib
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError

from data_modules.errors import DataError

_CHUNK = 1 << 20
_PLACE = (
    "pixdim", "quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z",
    "srow_x", "srow_y", "srow_z",
)  # fmt: skip


def check_place(path: Path) -> None:
    """Stop where a NIfTI header says with NaN or infinity where its voxels lie: ITK never returns.

    Raises:
        DataError: naming the field; or the file is none of NIfTI's.
    """
    if not path.name.endswith((".nii", ".nii.gz")):
        return
    try:
        with gzip.open(path) if path.name.endswith(".gz") else path.open("rb") as file:
            block = file.read(nib.Nifti2Header.sizeof_hdr)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read as an image ({_first_line(error)})") from None
    for kind in (nib.Nifti1Header, nib.Nifti2Header):
        if kind.may_contain_header(block):
            header = kind(block[: kind.sizeof_hdr], check=False)
            for field in _PLACE:
                if not np.isfinite(header[field]).all():
                    raise DataError(f"{path}: {field} of its header is {header[field]}, no number")
            return
    raise DataError(f"{path}: cannot be read as an image (it is no NIfTI file)")


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
    except (OSError, EOFError, ValueError, OverflowError, ImageFileError, HeaderDataError) as error:
        raise DataError(f"{path}: cannot be read as an image ({_first_line(error)})") from None
    if held < expected:
        raise DataError(f"{path}: is cut short, {held} bytes of {expected} after unpacking")
    if odd:
        raise DataError(f"{path}: {odd} voxels are NaN or infinite, expected finite ones")


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
