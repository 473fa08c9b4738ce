"""Centre cropping and padding of slices."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Scalar = TypeVar("Scalar", bound=np.generic)


def crop_or_pad(slices: NDArray[Scalar], size: tuple[int, int], fill: float = 0) -> NDArray[Scalar]:
    """Crop or pad the last two axes about their centre.

    An odd difference puts the extra pixel at the end. A call with the old size is the inverse,
    except that cropped pixels come back as ``fill``.

    Args:
        slices: (..., height, width).
        size: Height and width of the result.
        fill: Value of the padding.

    Returns:
        A new array (..., *size).
    """
    result = np.full((*slices.shape[:-2], *size), fill, slices.dtype)
    (from_y, to_y), (from_x, to_x) = (
        _overlap(old, new) for old, new in zip(slices.shape[-2:], size, strict=True)
    )
    result[..., to_y, to_x] = slices[..., from_y, from_x]
    return result


def _overlap(old: int, new: int) -> tuple[slice, slice]:
    """The part of an axis of length old that is kept, and its place in an axis of length new."""
    if new >= old:
        start = (new - old) // 2
        return slice(0, old), slice(start, start + old)
    start = (old - new) // 2
    return slice(start, start + new), slice(0, new)
