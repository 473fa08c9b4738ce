"""Which slices of a volume are used."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from data_modules.utils.errors import DataError
from data_modules.utils.words import counted

Rule = Literal["middle", "largest", "tumour", "all"]
SliceChoice = Rule | list[int]

_REFERENCE_RULES = ("largest", "tumour")
# A slice has brain if at least this share of its pixels is brain: stray voxels do not count.
SMALLEST_BRAIN_SHARE = 1e-3


def uses_reference(choice: SliceChoice) -> bool:
    """Whether a choice looks at the ground truth, which flatters the scores on its slices."""
    return choice in _REFERENCE_RULES


def by_depth(choice: SliceChoice, depth: int) -> NDArray[np.int64] | None:
    """The slices of a choice that depends on nothing but the depth; None for any other choice.

    ``middle`` is index depth // 2; a list of indices is taken as given.

    Raises:
        DataError: An index lies outside the volume.
    """
    if choice == "middle":
        return np.array([depth // 2])
    if isinstance(choice, str):
        return None
    outside = [index for index in choice if not 0 <= index < depth]
    if outside:
        raise DataError(
            f"data.slices names slice {outside[0]}, counted from 0: the volume has "
            f"{counted(depth, 'slice')}"
        )
    return np.unique(np.asarray(choice, np.int64))


def with_brain(brain: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The slices of a brain mask (depth, height, width) that have brain."""
    pixels = np.array([np.count_nonzero(mask) for mask in brain])
    return np.flatnonzero(pixels / brain[0].size >= SMALLEST_BRAIN_SHARE)


def by_labels(
    choice: SliceChoice, labels: NDArray[np.uint8], target: Sequence[int]
) -> NDArray[np.int64]:
    """The slices of a choice, as far as the segmentation decides them.

    ``largest`` is the slice with the most pixels of the target: the lowest of several, and the
    middle slice of a case without target. ``tumour`` is every slice with a pixel of the target.
    For ``all`` it is every slice with a label; the images add the slices with brain.

    Args:
        choice: The choice.
        labels: (depth, height, width), labels of BraTS 2023.
        target: Labels that count as target.
    """
    depth = labels.shape[0]
    fixed = by_depth(choice, depth)
    if fixed is not None:
        return fixed
    is_target = labels > 0 if choice == "all" else np.isin(labels, target)
    pixels = is_target.sum(axis=(1, 2))
    if choice == "largest":
        return np.array([pixels.argmax() if pixels.any() else depth // 2])
    return np.flatnonzero(pixels)
