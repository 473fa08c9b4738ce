"""The masks of a case as the volume scores take them, and the boxes around them."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Box = tuple[slice, slice, slice]
MM3_PER_ML = 1000.0
Spacing = tuple[float, float, float]  # mm along z, y, x


def check_masks(reference: Mask, prediction: Mask) -> None:
    """Raise ValueError unless the masks are two volumes (D, H, W) of bool of the same shape."""
    for mask in (reference, prediction):
        if mask.dtype != np.bool_ or mask.ndim != 3:
            raise ValueError(f"a mask of {mask.dtype} {mask.shape}, expected bool (D, H, W)")
    if reference.shape != prediction.shape:
        raise ValueError(f"masks of different shapes: {reference.shape} and {prediction.shape}")


def bounding_box(mask: Mask) -> Box:
    """The smallest box with all voxels of a mask (D, H, W); three empty slices if it has none."""
    plane = np.any(mask, axis=0)
    lines = (np.any(mask, axis=(1, 2)), np.any(plane, axis=1), np.any(plane, axis=0))
    z, y, x = map(np.flatnonzero, lines)
    if not z.size:
        return slice(0, 0), slice(0, 0), slice(0, 0)
    front, back, top, bottom, left, right = (
        int(line[end]) for line in (z, y, x) for end in (0, -1)
    )
    return slice(front, back + 1), slice(top, bottom + 1), slice(left, right + 1)


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
