"""Writing volumes completely or not at all."""

import errno
from pathlib import Path
from typing import Any

import deflate
import nibabel as nib
import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from data_modules.io.crop_or_pad import Scalar, crop_or_pad
from data_modules.io.geometry import Grid, read_grid
from data_modules.io.header_checks import POSITION_FIELDS, is_nifti, read_header
from data_modules.io.nifti import check_complete
from data_modules.utils.problems import BadFileError


def write_whole(image: sitk.Image, path: Path) -> None:
    """Write an image as compressed NIfTI, or nothing.

    ITK silently writes half a file on a full disk, so it is read back.

    Raises:
        OSError: It cannot be written completely.
    """
    try:
        sitk.WriteImage(image, str(path), useCompression=True)
        check_complete(path)
    except (RuntimeError, BadFileError):
        path.unlink(missing_ok=True)
        raise OSError(
            errno.EIO, "cannot be written completely; the disk may be full", str(path)
        ) from None


def write_label_map(
    path: Path, labels: NDArray[np.uint8], like: Path, channel: int | None = None
) -> NDArray[np.uint8]:
    """Write labels as compressed NIfTI on the grid of another file.

    Qform and sform are those of that file, with their codes, so that the labels lie on it in every
    program, whichever form it reads.

    Args:
        path: The file to write; its name may have any extension.
        labels: (depth, height, width) in LPS order as returned by ``read_volume``, cropped or
            padded to any height and width.
        like: The file whose grid to use.
        channel: Which volume of it, if it is 4-D.

    Returns:
        The labels as written (depth, height, width), in LPS order.

    Raises:
        BadFileError: The grid cannot be read.
        OSError: The labels cannot be written.
    """
    grid = read_grid(like, channel)
    placed = on_grid(labels, grid)
    _write_nifti(path, placed, like, grid)
    return grid.to_lps(placed)


def write_probabilities(
    path: Path, probabilities: NDArray[np.float32], like: Path, channel: int | None = None
) -> NDArray[np.float32]:
    """Write probabilities as compressed NIfTI on the grid of another file, as ``write_label_map``.

    Those of one class are a 3-D file. Those of several are a 4-D file, a volume for each class.

    Args:
        path: The file to write; its name may have any extension.
        probabilities: (classes, depth, height, width) in LPS order, of any height and width.
        like: The file whose grid to use.
        channel: Which volume of it, if it is 4-D.

    Returns:
        What is written, (classes, z, y, x).

    Raises:
        BadFileError: The grid cannot be read.
        OSError: The file cannot be written.
    """
    grid = read_grid(like, channel)
    placed = np.stack([on_grid(of_class, grid) for of_class in probabilities])
    _write_nifti(path, placed if len(placed) > 1 else placed[0], like, grid)
    return placed


def on_grid(volume: NDArray[Scalar], grid: Grid) -> NDArray[Scalar]:
    """A volume (z, y, x) of a grid, from one in LPS order of any height and width."""
    _, height, width = grid.to_lps(np.empty(grid.size[::-1], np.bool_)).shape
    return grid.from_lps(crop_or_pad(volume, (height, width)))


def _write_nifti(path: Path, placed: NDArray[Any], like: Path, grid: Grid) -> None:
    """Write a volume (z, y, x), or several (volume, z, y, x), that lie on the grid of a file."""
    image = nib.Nifti1Image(placed.T, None)
    _place(image.header, like, grid)
    if placed.ndim == 4:
        image.header["pixdim"][4] = 1  # 0 in many 3-D files, which ITK refuses in a 4-D file
    try:
        path.write_bytes(deflate.gzip_compress(image.to_bytes()))
    except OSError:
        path.unlink(missing_ok=True)
        raise


def _place(header: Any, like: Path, grid: Grid) -> None:
    """Give a header the position of a file, in both forms."""
    if is_nifti(like):
        source = read_header(like)
        for field in (*POSITION_FIELDS, "qform_code", "sform_code", "xyzt_units"):
            header[field] = source[field]
    else:
        header.set_qform(grid.affine, "scanner")
        header.set_sform(grid.affine, "scanner")
        header.set_xyzt_units("mm")
