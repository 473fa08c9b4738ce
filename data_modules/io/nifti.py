"""The voxels of a NIfTI file: read and decompressed once, checked, and scaled as ITK does.

ITK itself silently reads missing bytes, NaN and infinity as zeros.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_modules.io.gzip import read_complete
from data_modules.io.header_checks import check_meta_image, is_nifti, read_header, size_of
from data_modules.utils.problems import BadFileError
from data_modules.utils.words import counted

_EPSILON = float(np.finfo(np.float64).eps)


def check_complete(path: Path) -> None:
    """Check all that can be checked of a single file; of MetaImage, its header.

    Raises:
        BadFileError: A check fails.
    """
    if is_nifti(path):
        read_nifti(path)
    else:
        check_meta_image(path)


def read_nifti(path: Path) -> NDArray[Any]:
    """Read all voxels of a NIfTI file.

    Returns:
        Read-only voxels (..., z, y, x) of the stored type, or floats if the header scales them.

    Raises:
        BadFileError: The file is missing, damaged or truncated, its header is invalid, or voxels
            are NaN or infinite.
    """
    header = read_header(path)
    shape = size_of(header)[::-1]
    stored: np.dtype[Any] = header.get_data_dtype()
    begin = max(int(header["vox_offset"]), header.sizeof_hdr)
    count = math.prod(shape)
    content = read_complete(path, begin + count * stored.itemsize)
    voxels = np.frombuffer(content, stored, count, begin).reshape(shape)
    voxels = _scaled(voxels.astype(stored.newbyteorder("="), copy=False), header)
    check_finite(path, voxels)
    return voxels


def _scaled(voxels: NDArray[Any], header: Any) -> NDArray[Any]:
    """Stored values times slope plus intercept, in the type that ITK returns."""
    slope, intercept = (_finite(header[field]) for field in ("scl_slope", "scl_inter"))
    if abs(slope) < _EPSILON:
        slope = 1.0
    changes = abs(slope - 1) > _EPSILON or abs(intercept) > _EPSILON
    if not changes or voxels.dtype.kind not in "iuf":
        return voxels
    kind = np.float64 if voxels.dtype == np.float64 else np.float32
    with np.errstate(over="ignore", invalid="ignore"):  # checked next
        return (voxels.astype(np.float64) * slope + intercept).astype(kind)


def _finite(value: float) -> float:
    return float(value) if math.isfinite(value) else 0.0


def check_finite(path: Path, voxels: NDArray[Any]) -> None:
    """Raise BadFileError if voxels of a file are NaN or infinite."""
    # Minimum and maximum show NaN and infinity, and need no temporary array.
    if voxels.dtype.kind != "f" or np.isfinite([voxels.min(), voxels.max()]).all():
        return
    bad = int(np.count_nonzero(~np.isfinite(voxels)))
    raise BadFileError(
        path,
        f"NaN or infinite in {counted(bad, 'voxel')}, expected finite values",
        "replace them, for example by the background value",
    )
