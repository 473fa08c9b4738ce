"""Where the brain is, told from the data: real backgrounds are not always zero."""

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

# Skull-stripped files hold one constant outside the brain and few dim voxels inside it (0 to 9 % of
# the rest lie under Li's threshold in the BraTS files looked at); where the background is noise,
# 40 % and more do.
LARGEST_DIM_SHARE = 0.25
# Noise has a floor. Where more of the rest than this lies well below the background's value, that
# value was put there, as in files that were z-scored before and filled up with 0.
LARGEST_SHARE_BELOW_NOISE = 0.05
WELL_BELOW = 0.05  # of the way from the background's value to the brightest voxels


def find_brain(voxels: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Tell the brain (or the head, where the skull was left) from the background.

    The background's value is the commonest one on the sides of the slices. Skull-stripped files
    hold exactly that value outside the brain, be it 0 or negative: the rest is brain. Otherwise the
    background is noise, which shows in many dim voxels: Li's minimum cross-entropy threshold parts
    it from the head (Li and Lee 1993), whose dark holes are filled slice by slice.

    Args:
        voxels: (depth, height, width), finite.

    Returns:
        Mask of the same shape, empty for a constant image.
    """
    sides = np.concatenate([voxels[:, [0, -1], :].ravel(), voxels[:, :, [0, -1]].ravel()])
    values, counts = np.unique(sides, return_counts=True)
    background = float(values[counts.argmax()])
    differing: NDArray[np.bool_] = voxels != background
    if not differing.any():
        return differing
    bright: NDArray[np.bool_] = voxels > _li_threshold(voxels)
    dim = np.count_nonzero(differing & ~bright) / np.count_nonzero(differing)
    if dim <= LARGEST_DIM_SHARE or _is_within(background, voxels[differing]):
        return differing
    for one in bright:
        ndimage.binary_fill_holes(one, output=one)
    return bright


def _is_within(background: float, rest: NDArray[np.float32]) -> bool:
    """Whether the background's value lies among those of the rest, not at their floor."""
    margin = WELL_BELOW * (float(np.percentile(rest, 99)) - background)
    below = np.count_nonzero(rest < background - margin)
    return bool(below > LARGEST_SHARE_BELOW_NOISE * rest.size)


def _li_threshold(voxels: NDArray[np.float32]) -> float:
    # Every second voxel of a slice: a histogram needs no more, and full volumes take four times as
    # long.
    thresholder = sitk.LiThresholdImageFilter()
    thresholder.Execute(sitk.GetImageFromArray(np.ascontiguousarray(voxels[:, ::2, ::2])))
    return float(thresholder.GetThreshold())
