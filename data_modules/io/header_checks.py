"""Whether a file is there, and whether the header of a NIfTI file can be true."""

import gzip
import math
import zlib
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.spatialimages import HeaderDataError

from data_modules.utils.problems import COPY_AGAIN, BadFileError, by

LARGEST_VOLUME = 2**32  # bytes; BraTS has 18 million, MSD's four images in one file 71 million
_PLACE = (
    "pixdim", "quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z",
    "srow_x", "srow_y", "srow_z",
)  # fmt: skip


def is_nifti(path: Path) -> bool:
    """Whether a file is NIfTI by its name."""
    return path.name.endswith((".nii", ".nii.gz"))


def check_file(path: Path) -> None:
    """Stop where a file is not there, cannot be read or is empty.

    Raises:
        BadFileError: naming the file, what is wrong and what to do.
    """
    if path.is_dir():
        raise BadFileError(path, "is a folder, expected a file", "put the file in its place")
    try:
        with path.open("rb") as file:
            is_empty = not file.read(1)
    except FileNotFoundError:
        if path.is_symlink():
            what = f"is a link to '{path.readlink()}', which is not there"
            raise BadFileError(path, what, "fetch that file") from None
        raise BadFileError(path, "is not there", COPY_AGAIN) from None
    except OSError as error:
        what = f"cannot be read: {error.strerror}"
        raise BadFileError(path, what, "see to its rights and its disk") from None
    if is_empty:
        raise BadFileError(path, "is empty, 0 bytes", COPY_AGAIN)


def read_header(path: Path) -> Any:
    """The header of a NIfTI file as it stands there: nibabel mends what it loads.

    Raises:
        BadFileError: there is none, or it cannot be true; what was expected and what to do.
    """
    check_file(path)
    header = _header(path)
    size = size_of(header)
    if min(size, default=0) < 1:
        raise BadFileError(
            path, f"its header gives the size {by(size)}, expected 1 or more", COPY_AGAIN
        )
    spacing = header["pixdim"][1 : 1 + min(3, len(size))].tolist()
    if not all(math.isfinite(step) and step > 0 for step in spacing):
        raise BadFileError(
            path,
            f"its header gives the spacing {by(spacing)} mm, expected more than 0",
            "write the true spacing into its header",
        )
    promised = math.prod(size) * int(header.get_data_dtype().itemsize)
    if promised > LARGEST_VOLUME:
        raise BadFileError(
            path,
            f"its header promises {promised / 1e9:.0f} GB ({by(size)} voxels), expected "
            f"{LARGEST_VOLUME / 1e9:.0f} at most",
            COPY_AGAIN,
        )
    _check_place(path, header)
    return header


def size_of(header: Any) -> list[int]:
    """Voxels along each dimension, x first."""
    size: list[int] = header["dim"][1 : 1 + int(header["dim"][0])].tolist()
    return size


def _header(path: Path) -> Any:
    try:
        with gzip.open(path) if path.name.endswith(".gz") else path.open("rb") as file:
            block = file.read(nib.Nifti2Header.sizeof_hdr)
        for kind in (nib.Nifti1Header, nib.Nifti2Header):
            if kind.may_contain_header(block):
                header = kind(block[: kind.sizeof_hdr], check=False)
                _check_voxel_type(path, header)
                header.get_slope_inter()  # for its HeaderDataError
                return header
    except gzip.BadGzipFile:
        raise BadFileError(path, "is not packed by gzip as its name says", COPY_AGAIN) from None
    except (EOFError, zlib.error) as error:
        raise BadFileError(path, f"is damaged ({error})", COPY_AGAIN) from None
    except HeaderDataError as error:
        raise BadFileError(path, f"its header cannot be true ({error})", COPY_AGAIN) from None
    raise BadFileError(path, "is no NIfTI file", COPY_AGAIN)


def _check_voxel_type(path: Path, header: Any) -> None:
    """Stop where a type is unknown, or has no size: bits, "unknown", more digits than are here."""
    try:
        size = header.get_data_dtype().itemsize
    except KeyError:
        size = 0
    if not size:
        what = f"its header gives voxels of type {int(header['datatype'])}, which cannot be read"
        remedy = f"{COPY_AGAIN}, or write it with voxels of 8, 16, 32 or 64 bits"
        raise BadFileError(path, what, remedy)


def _check_place(path: Path, header: Any) -> None:
    """Stop where NaN or infinity says where the voxels lie: ITK would never return."""
    for field in _PLACE:
        if not np.isfinite(header[field]).all():
            raise BadFileError(
                path,
                f"{field} of its header is {header[field]}, expected finite numbers",
                "write the header of another file of the case into it",
            )
    if not 0 <= header["vox_offset"] <= LARGEST_VOLUME:
        what = f"vox_offset of its header is {header['vox_offset']}, expected 0 to {LARGEST_VOLUME}"
        raise BadFileError(path, what, COPY_AGAIN)
