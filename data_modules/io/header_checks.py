"""Whether a file exists, and whether its header is plausible."""

import gzip
import math
import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.spatialimages import HeaderDataError

from data_modules.utils.problems import COPY_AGAIN, BadFileError, by

# Voxels of a file, half a gigabyte as float32. A BraTS volume has 9 million, a 4-D file of MSD 36.
LARGEST_VOLUME = 2**27
LARGEST_OFFSET = 2**27  # bytes before the voxels
POSITION_FIELDS = (
    "pixdim", "quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z",
    "srow_x", "srow_y", "srow_z",
)  # fmt: skip
_META_HEADER_BYTES = 2**16  # ITK writes less than 500
_META_DATA_FILE = re.compile(rb"ElementDataFile[ \t]*[=:][ \t]*([^\r\n]*)")
_IN_THE_FILE = {b"LOCAL", b"Local", b"local"}


def is_nifti(path: Path) -> bool:
    """Whether the name of a file says that it is NIfTI."""
    return path.name.lower().endswith((".nii", ".nii.gz"))


def check_file(path: Path) -> None:
    """Check that a file exists, is a regular one, can be read and is not empty.

    Raises:
        BadFileError: It does not.
    """
    if path.is_dir():
        raise BadFileError(path, "is a folder, expected a file", "replace it by the file")
    try:
        if path.exists() and not path.is_file():  # to open a pipe would wait for its writer
            what = "is a pipe or a device, expected a file"
            raise BadFileError(path, what, "replace it by the file")
        with path.open("rb") as file:
            is_empty = not file.read(1)
    except FileNotFoundError:
        if path.is_symlink():
            what = f"is a link to '{path.readlink()}', which does not exist"
            raise BadFileError(path, what, "fetch that file") from None
        raise BadFileError(path, "does not exist", COPY_AGAIN) from None
    except OSError as error:
        what = f"cannot be read: {error.strerror}"
        raise BadFileError(path, what, "check its permissions and its disk") from None
    if is_empty:
        raise BadFileError(path, "is empty, 0 bytes", COPY_AGAIN)


def check_meta_image(path: Path) -> None:
    """Check that a MetaImage file (.mha) exists and has its voxels in itself.

    ITK would read any file that the header names.

    Raises:
        BadFileError: It does not, or names another file.
    """
    check_file(path)
    with path.open("rb") as file:
        names = _META_DATA_FILE.findall(file.read(_META_HEADER_BYTES))
    if not names:
        what = "has no ElementDataFile in its header, expected ElementDataFile = LOCAL"
        raise BadFileError(path, what, COPY_AGAIN)
    if elsewhere := [name.strip() for name in names if name.strip() not in _IN_THE_FILE]:
        name = elsewhere[0].decode(errors="backslashreplace")
        what = f"its header has ElementDataFile = {name!r}, expected LOCAL: the voxels in the file"
        raise BadFileError(path, what, "write it as one file, or as .nii.gz")


def read_header(path: Path) -> Any:
    """The header of a NIfTI file as stored: nibabel would correct it while loading.

    Raises:
        BadFileError: There is none, or it is not plausible.
    """
    check_file(path)
    header = _header(path)
    size = size_of(header)
    if min(size, default=0) < 1:
        raise BadFileError(
            path, f"its header declares the size {by(size)}, expected 1 or more", COPY_AGAIN
        )
    spacing = header["pixdim"][1 : 1 + min(3, len(size))].tolist()
    if not all(math.isfinite(step) and step > 0 for step in spacing):
        raise BadFileError(
            path,
            f"its header declares the spacing {by(spacing)} mm, expected more than 0",
            "write the correct spacing into its header",
        )
    check_number_of_voxels(path, size)
    _check_position(path, header)
    return header


def check_number_of_voxels(path: Path, size: Sequence[int]) -> None:
    """Check the size in a header before memory is taken for the voxels.

    Raises:
        BadFileError: No image of a head has so many.
    """
    voxels = math.prod(size)
    if voxels > LARGEST_VOLUME:
        raise BadFileError(
            path,
            f"its header declares {by(size)} voxels, {voxels / 1e6:.0f} million, expected at most "
            f"{LARGEST_VOLUME / 1e6:.0f} million",
            COPY_AGAIN,
        )


def size_of(header: Any) -> list[int]:
    """Size in voxels along each dimension, x first."""
    size: list[int] = header["dim"][1 : 1 + int(header["dim"][0])].tolist()
    return size


def _header(path: Path) -> Any:
    try:
        with gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb") as file:
            block = file.read(nib.Nifti2Header.sizeof_hdr)
        if nib.Nifti1Header.may_contain_header(block):
            header = nib.Nifti1Header(block[: nib.Nifti1Header.sizeof_hdr], check=False)
            _check_voxel_type(path, header)
            header.get_slope_inter()  # for its HeaderDataError
            return header
    except gzip.BadGzipFile:
        raise BadFileError(path, "is not gzip-compressed as its name says", COPY_AGAIN) from None
    except (EOFError, zlib.error) as error:
        raise BadFileError(path, f"is damaged ({error})", COPY_AGAIN) from None
    except HeaderDataError as error:
        raise BadFileError(path, f"its header is invalid ({error})", COPY_AGAIN) from None
    if nib.Nifti2Header.may_contain_header(block):  # which ITK does not read
        remedy = "convert it: nibabel's Nifti1Image.from_image does"
        raise BadFileError(path, "is NIfTI-2, expected NIfTI-1", remedy)
    raise BadFileError(path, "is not a NIfTI file", COPY_AGAIN)


def _check_voxel_type(path: Path, header: Any) -> None:
    """Check that a voxel type is known and has a size; bits and "unknown" have none."""
    try:
        size = header.get_data_dtype().itemsize
    except KeyError:
        size = 0
    if not size:
        what = f"its header declares voxels of type {int(header['datatype'])}, which cannot be read"
        remedy = f"{COPY_AGAIN}, or write it with voxels of 8, 16, 32 or 64 bits"
        raise BadFileError(path, what, remedy)


def _check_position(path: Path, header: Any) -> None:
    """Check that the position of the voxels is finite: ITK would hang on NaN or infinity."""
    for field in POSITION_FIELDS:
        if not np.isfinite(header[field]).all():
            raise BadFileError(
                path,
                f"{field} of its header is {header[field]}, expected finite numbers",
                "copy the header of another file of the case",
            )
    if not 0 <= header["vox_offset"] <= LARGEST_OFFSET:
        what = f"vox_offset of its header is {header['vox_offset']}, expected 0 to {LARGEST_VOLUME}"
        raise BadFileError(path, what, COPY_AGAIN)
