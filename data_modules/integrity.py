"""Whether a file is there and whole.

ITK reads missing bytes, NaN and infinity as zeros, and writes half a file to a full disk, in
silence. Of other formats than NIfTI only what holds for any file is looked at.
"""

import errno
import gzip
import math
import zlib
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import SimpleITK as sitk
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError

from data_modules.problems import COPY_AGAIN, BadFileError

LARGEST_VOLUME = 2**32  # bytes; BraTS has 18 million, MSD's four images in one file 71 million
_CHUNK = 1 << 20
_PLACE = (
    "pixdim", "quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z",
    "srow_x", "srow_y", "srow_z",
)  # fmt: skip


def check_whole(path: Path) -> None:
    """All checks of a file. Raises BadFileError."""
    check_header(path)
    check_voxels(path)


def check_header(path: Path) -> None:
    """Stop where a file is not there, or is a NIfTI file whose header cannot be true.

    Raises:
        BadFileError: naming the file, what was expected and what to do.
    """
    _check_file(path)
    if not _is_nifti(path):
        return
    header = _header(path)
    dimensions = int(header["dim"][0])
    size = header["dim"][1 : 1 + dimensions].tolist()
    if min(size, default=0) < 1:
        raise BadFileError(
            path, f"its header gives the size {_by(size)}, expected 1 or more", COPY_AGAIN
        )
    spacing = header["pixdim"][1 : 1 + min(3, dimensions)].tolist()
    if not all(math.isfinite(step) and step > 0 for step in spacing):
        raise BadFileError(
            path,
            f"its header gives the spacing {_by(spacing)} mm, expected more than 0",
            "write the true spacing into its header",
        )
    promised = _voxel_bytes(header)
    if promised > LARGEST_VOLUME:
        raise BadFileError(
            path,
            f"its header promises {promised / 1e9:.0f} GB ({_by(size)} voxels), expected "
            f"{LARGEST_VOLUME / 1e9:.0f} at most",
            COPY_AGAIN,
        )
    _check_place(path, header)


def check_voxels(path: Path) -> None:
    """Stop where a NIfTI file is cut short or damaged, or holds NaN or infinite voxels.

    Raises:
        BadFileError: naming the file, what was expected and what to do.
    """
    if not _is_nifti(path):
        return
    header = _header(path)
    expected = int(header["vox_offset"]) + _voxel_bytes(header)
    held = _length_after_unpacking(path, expected)
    if held < expected:
        raise BadFileError(path, f"is cut short: {held} of {expected} bytes", COPY_AGAIN)
    if odd := _count_not_finite(path, header):
        raise BadFileError(
            path,
            f"{odd} voxels are NaN or infinite, expected finite ones",
            "put numbers in their place, such as the background's value",
        )


def write_whole(image: sitk.Image, path: Path) -> None:
    """Write an image as compressed NIfTI, or nothing.

    Raises:
        OSError: it cannot be written, or not to its end.
    """
    try:
        sitk.WriteImage(image, str(path), useCompression=True)
        check_whole(path)
    except (RuntimeError, BadFileError):
        path.unlink(missing_ok=True)
        raise OSError(
            errno.EIO, "cannot be written to its end; the disk may be full", str(path)
        ) from None


def _check_file(path: Path) -> None:
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


def _is_nifti(path: Path) -> bool:
    return path.name.endswith((".nii", ".nii.gz"))


def _header(path: Path) -> Any:  # noqa: ANN401 (nibabel has no types)
    """The header as it stands in the file: nibabel mends what it loads."""
    try:
        with gzip.open(path) if path.name.endswith(".gz") else path.open("rb") as file:
            block = file.read(nib.Nifti2Header.sizeof_hdr)
        for kind in (nib.Nifti1Header, nib.Nifti2Header):
            if kind.may_contain_header(block):
                header = kind(block[: kind.sizeof_hdr], check=False)
                header.get_data_dtype()  # for its KeyError
                header.get_slope_inter()  # for its HeaderDataError
                return header
    except gzip.BadGzipFile:
        raise BadFileError(path, "is not packed by gzip as its name says", COPY_AGAIN) from None
    except (EOFError, zlib.error) as error:
        raise BadFileError(path, f"is damaged ({error})", COPY_AGAIN) from None
    except KeyError as error:
        raise BadFileError(path, f"its header gives voxels of type {error}", COPY_AGAIN) from None
    except HeaderDataError as error:
        raise BadFileError(path, f"its header cannot be true ({error})", COPY_AGAIN) from None
    raise BadFileError(path, "is no NIfTI file", COPY_AGAIN)


def _check_place(path: Path, header: Any) -> None:  # noqa: ANN401
    """Stop where NaN or infinity says where the voxels lie: ITK would never return."""
    for field in _PLACE:
        if not np.isfinite(header[field]).all():
            raise BadFileError(
                path,
                f"{field} of its header is {header[field]}, expected finite numbers",
                "write the header of another file of the case into it",
            )
    if not 0 <= header["vox_offset"] < math.inf:
        what = f"vox_offset of its header is {header['vox_offset']}, expected 0 or more"
        raise BadFileError(path, what, COPY_AGAIN)


def _voxel_bytes(header: Any) -> int:  # noqa: ANN401
    size: list[int] = header["dim"][1 : 1 + int(header["dim"][0])].tolist()
    return math.prod(size) * int(header.get_data_dtype().itemsize)


def _length_after_unpacking(path: Path, expected: int) -> int:
    """Bytes that a file holds when unpacked, and no more than one chunk above those expected.

    Raises:
        BadFileError: the checksum is wrong.
    """
    if not path.name.endswith(".gz"):
        return path.stat().st_size
    length = 0
    try:
        with gzip.open(path) as unpacked:
            # To the end, and not only as far as the voxels go: the checksum stands there.
            while length <= expected + _CHUNK and (chunk := unpacked.read1(_CHUNK)):
                length += len(chunk)
    except EOFError:
        return min(length, expected - 1)  # all voxels may be there, but not the checksum
    except (gzip.BadGzipFile, zlib.error) as error:
        raise BadFileError(path, f"is damaged ({error})", COPY_AGAIN) from None
    return length


def _count_not_finite(path: Path, header: Any) -> int:  # noqa: ANN401
    if not np.issubdtype(header.get_data_dtype(), np.floating):
        return 0
    try:
        voxels = np.asanyarray(nib.load(path).dataobj)
    except (OSError, ValueError, OverflowError, ImageFileError, HeaderDataError) as error:
        reason = " ".join(str(error).split())
        raise BadFileError(path, f"cannot be read as an image ({reason})", COPY_AGAIN) from None
    return int(voxels.size - np.count_nonzero(np.isfinite(voxels)))


def _by(values: list[float]) -> str:
    return " x ".join(f"{value:g}" for value in values)
