"""The box around a brain, seen along the axis of the slices."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from data_modules.io.crop_or_pad import crop_or_pad


class Box(NamedTuple):
    """Rows ``top`` to ``bottom - 1`` and columns ``left`` to ``right - 1`` of every slice."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.bottom - self.top, self.right - self.left


def brain_box(brain: NDArray[np.bool_], size: tuple[int, int]) -> Box:
    """The smallest box that holds the brain of all slices.

    Args:
        brain: Mask of the whole volume (depth, height, width).
        size: Height and width to which the slices are cropped or padded first.

    Returns:
        The box in slices of that size. An empty one at their centre if no brain is left in them.
    """
    shadow = crop_or_pad(np.logical_or.reduce(brain), size)
    if not shadow.any():
        height, width = size
        return Box(height // 2, height // 2, width // 2, width // 2)
    rows, columns = np.nonzero(shadow)
    return Box(int(rows.min()), int(rows.max()) + 1, int(columns.min()), int(columns.max()) + 1)


def union(boxes: Iterable[Box]) -> Box:
    """The smallest box that holds all of the given ones, which are at least one."""
    tops, bottoms, lefts, rights = zip(*boxes, strict=True)
    return Box(min(tops), max(bottoms), min(lefts), max(rights))
