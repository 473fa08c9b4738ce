"""The voxels of a NIfTI file: read and unpacked once, checked, and scaled as ITK does.

ITK reads missing bytes, NaN and infinity as zeros in silence.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_modules.io.gzip import read_whole
from data_modules.io.header_checks import check_file, is_nifti, read_header, size_of
from data_modules.utils.problems import BadFileError

_EPSILON = float(np.finfo(np.float64).eps)


def check_whole(path: Path) -> None:
    """All checks that one file alone allows; of other formats than NIfTI, whether it is there.

    Raises:
        BadFileError: naming the file, what was expected and what to do.
    """
    if is_nifti(path):
        read_nifti(path)
    else:
        check_file(path)


def read_nifti(path: Path) -> NDArray[Any]:
    """Read all voxels of a NIfTI file.

    Returns:
        Read-only voxels (..., z, y, x) of the file's own type, or floats where its header scales.

    Raises:
        BadFileError: a file that is not there, damaged or cut short, whose header cannot be true,
            or with NaN or infinite voxels.
    """
    header = read_header(path)
    shape = size_of(header)[::-1]
    stored: np.dtype[Any] = header.get_data_dtype()
    begin = max(int(header["vox_offset"]), header.sizeof_hdr)
    count = math.prod(shape)
    content = read_whole(path, begin + count * stored.itemsize)
    voxels = np.frombuffer(content, stored, count, begin).reshape(shape)
    voxels = _scaled(voxels.astype(stored.newbyteorder("="), copy=False), header)
    _check_finite(path, voxels)
    return voxels


def _scaled(voxels: NDArray[Any], header: Any) -> NDArray[Any]:
    """Stored numbers times slope plus intercept, in the type that ITK gives."""
    slope, intercept = (_finite(header[field]) for field in ("scl_slope", "scl_inter"))
    if abs(slope) < _EPSILON:
        slope = 1.0
    changes = abs(slope - 1) > _EPSILON or abs(intercept) > _EPSILON
    if not changes or voxels.dtype.kind not in "iuf":
        return voxels
    kind = np.float64 if voxels.dtype == np.float64 else np.float32
    with np.errstate(over="ignore", invalid="ignore"):  # looked for next
        return (voxels.astype(np.float64) * slope + intercept).astype(kind)


def _finite(value: float) -> float:
    return float(value) if math.isfinite(value) else 0.0


def _check_finite(path: Path, voxels: NDArray[Any]) -> None:
    # The ends tell: NaN and infinity show in them, and they cost no array of their own.
    if voxels.dtype.kind != "f" or np.isfinite([voxels.min(), voxels.max()]).all():
        return
    odd = voxels.size - np.count_nonzero(np.isfinite(voxels))
    raise BadFileError(
        path,
        f"{odd} voxels are NaN or infinite, expected finite ones",
        "put numbers in their place, such as the background's value",
    )
