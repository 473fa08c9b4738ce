"""Which slices of a volume are used."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from data_modules.utils.errors import DataError

Rule = Literal["middle", "largest", "tumour", "all"]
SliceChoice = Rule | list[int]

RULES_THAT_LOOK_AT_THE_TRUTH = ("largest", "tumour")
# A slice has brain where at least this share of its pixels is brain: stray voxels do not count.
SMALLEST_BRAIN_SHARE = 1e-3


def uses_reference(choice: SliceChoice) -> bool:
    """Whether a choice needs the segmentation, so that scores on it are flattered by it."""
    return choice in RULES_THAT_LOOK_AT_THE_TRUTH


def by_depth(choice: SliceChoice, depth: int) -> NDArray[np.int64] | None:
    """The slices of a choice that the number of slices decides alone; None for any other.

    ``middle`` is index depth // 2; a list of indices is taken as it is.

    Raises:
        DataError: an index lies outside the volume.
    """
    if choice == "middle":
        return np.array([depth // 2])
    if isinstance(choice, str):
        return None
    outside = [index for index in choice if not 0 <= index < depth]
    if outside:
        raise DataError(
            f"data.slices names slice {outside[0]}, the volume has slices 0 to {depth - 1}"
        )
    return np.unique(np.asarray(choice, np.int64))


def with_brain(brain: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The slices with brain of a mask (depth, height, width)."""
    pixels = np.array([np.count_nonzero(one) for one in brain])
    return np.flatnonzero(pixels / brain[0].size >= SMALLEST_BRAIN_SHARE)


def by_labels(
    choice: SliceChoice, labels: NDArray[np.uint8], target: Sequence[int]
) -> NDArray[np.int64]:
    """The slices of a choice, as far as the segmentation decides them.

    ``largest`` is the slice with most pixels of the target, the lowest index where several have as
    many, and the middle one where the case has none. ``tumour`` is all with a pixel of the target.
    For ``all`` these are the slices with any label; those with brain come from the images.

    Args:
        choice: the choice.
        labels: (depth, height, width), BraTS 2023's.
        target: labels that count as target.
    """
    depth = labels.shape[0]
    fixed = by_depth(choice, depth)
    if fixed is not None:
        return fixed
    wanted = labels > 0 if choice == "all" else np.isin(labels, target)
    pixels = wanted.sum(axis=(1, 2))
    if choice == "largest":
        return np.array([pixels.argmax() if pixels.any() else depth // 2])
    return np.flatnonzero(pixels)
