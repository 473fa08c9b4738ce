"""Writing volumes completely or not at all."""

import errno
from pathlib import Path
from typing import Any

import deflate
import nibabel as nib
import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from data_modules.io.crop_or_pad import crop_or_pad
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
    image = nib.Nifti1Image(placed.T, None)
    _place(image.header, like, grid)
    try:
        path.write_bytes(deflate.gzip_compress(image.to_bytes()))
    except OSError:
        path.unlink(missing_ok=True)
        raise
    return grid.to_lps(placed)


def on_grid(labels: NDArray[np.uint8], grid: Grid) -> NDArray[np.uint8]:
    """Labels (z, y, x) of a grid, from labels in LPS order of any height and width."""
    _, height, width = grid.to_lps(np.empty(grid.size[::-1], np.bool_)).shape
    return grid.from_lps(crop_or_pad(labels, (height, width)))


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
