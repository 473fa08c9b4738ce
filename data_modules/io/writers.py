"""Write volumes whole, or not at all: ITK writes half a file to a full disk, in silence."""

import errno
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from data_modules.io.crop_or_pad import crop_or_pad
from data_modules.io.geometry import read_grid
from data_modules.io.nifti import check_whole
from data_modules.utils.problems import BadFileError


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


def write_label_map(
    path: Path, labels: NDArray[np.uint8], like: Path, channel: int | None = None
) -> NDArray[np.uint8]:
    """Write labels on the grid of another file: its size, spacing, origin and direction.

    Args:
        path: the file to write; its ending decides whether it is compressed.
        labels: (depth, height, width), in LPS order as ``read_volume`` gives it, padded or cropped
            to any height and width.
        like: the file whose grid it is.
        channel: which volume of it, where it is 4-D.

    Returns:
        The labels that were written (depth, height, width), in LPS order.

    Raises:
        BadFileError: the grid cannot be read.
        OSError: they cannot be written.
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
