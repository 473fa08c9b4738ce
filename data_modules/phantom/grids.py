"""Where BraTS's voxels lie: 240 x 240 x 155 mm, registered to an atlas, row 0 in front."""

import numpy as np

from .fields import Grid
from .geometry import Array

SIZE = 240  # pixels a side
FULL_DEPTH = 155  # slices of 1 mm
# Array index of the origin: the centre of the brain in BraTS's frame.
_ORIGIN = {"x": 119.5, "y": 121.0, "z": 70.0}
# Rows and columns that can hold brain; the rest of the array is background.
_ROWS, _COLUMNS = slice(18, 226), slice(36, 204)


def plane() -> Grid:
    """The pixels of an axial slice that can hold brain; use ``at_height`` for one slice."""
    columns, rows = np.arange(SIZE)[_COLUMNS], np.arange(SIZE)[_ROWS]
    return Grid(columns - _ORIGIN["x"], _ORIGIN["y"] - rows, [0.0])


def coarse(spacing: float = 4.0) -> Grid:
    """The whole brain at ``spacing`` mm."""
    x, y = np.arange(-80, 81, spacing), np.arange(-100, 101, spacing)
    return Grid(x, y, np.arange(-68, 77, spacing))


def heights(depth: int) -> "np.typing.NDArray[np.float64]":
    """Heights in mm of ``depth`` slices. Slice ``depth // 2`` is the same one for every depth."""
    index = FULL_DEPTH // 2 + (np.arange(depth) - depth // 2) * FULL_DEPTH / depth
    return index - _ORIGIN["z"]


def full_slice(values: "np.typing.NDArray[np.generic]") -> Array:
    """Values on ``plane`` (1, y, x) put into a whole slice (240, 240)."""
    whole = np.zeros((SIZE, SIZE), dtype=values.dtype)
    whole[_ROWS, _COLUMNS] = values[0]
    return whole
