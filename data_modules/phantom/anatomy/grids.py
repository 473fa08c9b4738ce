"""The grid of BraTS: 240 x 240 x 155 voxels of 1 mm, registered to an atlas, row 0 in front."""

import numpy as np
from numpy.typing import NDArray

from data_modules.phantom.anatomy.fields import Grid
from data_modules.phantom.anatomy.geometry import Floats, Scalar

SIZE = 240  # pixels per row and column
FULL_DEPTH = 155  # slices of 1 mm
# Array index of the origin: the centre of the brain in BraTS's frame.
_ORIGIN = {"x": 119.5, "y": 121.0, "z": 70.0}
# Ranges of x, y and z in mm that contain the whole brain.
_COARSE = ((-80, 81), (-100, 101), (-68, 77))
# Rows and columns that can contain brain; the rest of the array is background.
_ROWS, _COLUMNS = slice(18, 226), slice(36, 204)


def plane() -> Grid:
    """The pixels of an axial slice that can contain brain; choose a slice with ``at_height``."""
    pixels = np.arange(SIZE, dtype=np.float64)
    return Grid(pixels[_COLUMNS] - _ORIGIN["x"], _ORIGIN["y"] - pixels[_ROWS], np.zeros(1))


def coarse(spacing: float = 4.0) -> Grid:
    """The whole brain at ``spacing`` mm."""
    x, y, z = (np.arange(*ends, spacing, dtype=np.float64) for ends in _COARSE)
    return Grid(x, y, z)


def heights(depth: int) -> Floats:
    """Heights in mm of ``depth`` slices. Slice ``depth // 2`` is the same for every depth."""
    index = FULL_DEPTH // 2 + (np.arange(depth) - depth // 2) * FULL_DEPTH / depth
    return index - _ORIGIN["z"]


def full_slice(values: NDArray[Scalar]) -> NDArray[Scalar]:
    """Insert values on ``plane`` (1, y, x) into a full slice (240, 240)."""
    whole: NDArray[Scalar] = np.zeros((SIZE, SIZE), dtype=values.dtype)
    whole[_ROWS, _COLUMNS] = values[0]
    return whole
