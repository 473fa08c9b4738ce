"""Bounding boxes of masks."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Box = tuple[slice, slice, slice]


def bounding_box(mask: Mask) -> Box:
    """The smallest box with all voxels of a mask (D, H, W); three empty slices if it has none."""
    plane = mask.any(axis=0)
    z, y, x = (np.flatnonzero(line) for line in (mask.any(axis=(1, 2)), plane.any(1), plane.any(0)))
    if not z.size:
        return slice(0, 0), slice(0, 0), slice(0, 0)
    return slice(z[0], z[-1] + 1), slice(y[0], y[-1] + 1), slice(x[0], x[-1] + 1)


def enclosing_box(boxes: Iterable[Box]) -> Box:
    """The smallest box around several, none of them empty."""
    z, y, x = (
        slice(min(part.start for part in parts), max(part.stop for part in parts))
        for parts in zip(*boxes, strict=True)
    )
    return z, y, x


def moved(box: Box, crop: Box) -> Box:
    """A box of a crop as a box of the whole array."""
    z, y, x = (
        slice(start.start + part.start, start.start + part.stop)
        for part, start in zip(box, crop, strict=True)
    )
    return z, y, x
