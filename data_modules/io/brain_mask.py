"""Where the brain is, told from the data: real backgrounds are not always zero."""

from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

# Skull-stripped files hold one constant outside the brain and few dim voxels inside it (0 to 9 % of
# the rest lie under Li's threshold in the BraTS files looked at); where the background is noise,
# 40 % and more do.
LARGEST_DIM_SHARE = 0.25
# Noise has a floor. Where more of the rest than this lies well below the background's value, that
# value was put there, as in files that were z-scored before and filled up with 0.
LARGEST_SHARE_BELOW_NOISE = 0.05
WELL_BELOW = 0.05  # of the way from the background's value to the brightest voxels
# Voxels that settle most files at a first look, where half the share above is the bound: all of
# them take as long to look through as everything else together.
FIRST_LOOK = 10_000


def find_brain(voxels: NDArray[Any]) -> tuple[NDArray[np.bool_], NDArray[Any]]:
    """Tell the brain (or the head, where the skull was left) from the background.

    The background's value is the commonest one on the sides of the slices. Skull-stripped files
    hold exactly that value outside the brain, be it 0 or negative: the rest is brain. Otherwise the
    background is noise, which shows in many dim voxels: Li's minimum cross-entropy threshold parts
    it from the head (Li and Lee 1993), whose dark holes are filled slice by slice.

    Args:
        voxels: (depth, height, width), finite numbers that float32 holds.

    Returns:
        Mask of the same shape, empty for a constant image; and the voxels in it, (n,).
    """
    sides = np.concatenate([voxels[:, [0, -1], :].ravel(), voxels[:, :, [0, -1]].ravel()])
    values, counts = np.unique(sides, return_counts=True)
    background = values[counts.argmax()]
    differing: NDArray[np.bool_] = voxels != background
    rest = voxels[differing]
    if not rest.size:
        return differing, rest
    sparse = int((voxels.size / FIRST_LOOK) ** (1 / 3))
    if sparse > 1:
        look = voxels[::sparse, ::sparse, ::sparse]
        if _dim_share(rest, _li_threshold(look)) <= LARGEST_DIM_SHARE / 2:
            return differing, rest
    # Every second voxel of a slice: a histogram needs no more.
    threshold = _li_threshold(voxels[:, ::2, ::2])
    is_stripped = _dim_share(rest, threshold) <= LARGEST_DIM_SHARE
    if is_stripped or _is_within(float(background), rest):
        return differing, rest
    from scipy import ndimage

    bright = voxels > threshold
    for one in bright:
        ndimage.binary_fill_holes(one, output=one)
    return bright, voxels[bright]


def _dim_share(rest: NDArray[Any], threshold: np.float32) -> float:
    return float(np.count_nonzero(rest <= threshold) / rest.size)


def _is_within(background: float, rest: NDArray[Any]) -> bool:
    """Whether the background's value lies among those of the rest, not at their floor."""
    margin = WELL_BELOW * (float(np.percentile(rest, 99)) - background)
    below = np.count_nonzero(rest < background - margin)
    return bool(below > LARGEST_SHARE_BELOW_NOISE * rest.size)


def _li_threshold(voxels: NDArray[Any]) -> np.float32:
    thresholder = sitk.LiThresholdImageFilter()
    thresholder.Execute(sitk.GetImageFromArray(np.ascontiguousarray(voxels, np.float32)))
    return np.float32(thresholder.GetThreshold())
