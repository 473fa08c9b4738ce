"""Centre padding and cropping of slices, and its inverse."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Scalar = TypeVar("Scalar", bound=np.generic)


def crop_or_pad(slices: NDArray[Scalar], size: tuple[int, int], fill: float = 0) -> NDArray[Scalar]:
    """Pad or crop the last two axes about their centre.

    Where the difference is odd, the longer part lies at the end. Framing to the old size undoes it,
    but for what was cropped away, which comes back as ``fill``.

    Args:
        slices: (..., height, width).
        size: height and width wanted.
        fill: value of the padding.

    Returns:
        A new array (..., *size).
    """
    framed = np.full((*slices.shape[:-2], *size), fill, slices.dtype)
    (from_y, to_y), (from_x, to_x) = (
        _overlap(old, new) for old, new in zip(slices.shape[-2:], size, strict=True)
    )
    framed[..., to_y, to_x] = slices[..., from_y, from_x]
    return framed


def _overlap(old: int, new: int) -> tuple[slice, slice]:
    """Where an axis of length old is read, and where it lands in one of length new."""
    if new >= old:
        start = (new - old) // 2
        return slice(0, old), slice(start, start + old)
    start = (old - new) // 2
    return slice(start, start + new), slice(0, new)
