"""Write volumes completely or not at all: on a full disk ITK silently writes half a file."""

import errno
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from data_modules.io.crop_or_pad import crop_or_pad
from data_modules.io.geometry import read_grid
from data_modules.io.nifti import check_complete
from data_modules.utils.problems import BadFileError


def write_whole(image: sitk.Image, path: Path) -> None:
    """Write an image as compressed NIfTI, or nothing.

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
    """Write labels on the grid of another file: its size, spacing, origin and direction.

    Args:
        path: The file to write; its extension decides about compression.
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
    _, height, width = grid.to_lps(np.empty(grid.size[::-1], np.bool_)).shape
    labels = crop_or_pad(labels, (height, width))
    image = sitk.GetImageFromArray(np.ascontiguousarray(grid.from_lps(labels)))
    image.SetOrigin(grid.origin)
    image.SetSpacing(grid.spacing)
    image.SetDirection(grid.direction)
    write_whole(image, path)
    return labels
