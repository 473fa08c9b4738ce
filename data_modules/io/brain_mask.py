"""Finding the brain from the intensities: real backgrounds are not always zero."""

from typing import Any, NamedTuple

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

# Skull-stripped files have one constant value outside the brain and few dim voxels inside it: in
# the BraTS files examined, 0 to 9 % of the other voxels are below Li's threshold. With a noisy
# background it is 40 % and more.
LARGEST_DIM_SHARE = 0.25
# Noise has a floor. If more of the other voxels than this are well below the background value, that
# value was filled in, as in files that were z-scored and then padded with 0.
LARGEST_SHARE_BELOW_NOISE = 0.05
WELL_BELOW = 0.05  # of the range from the background value to the brightest voxels
# A sample of this many voxels decides most files, by half the share above: examining all voxels
# takes as long as everything else together.
SAMPLE_SIZE = 10_000
# ITK stops at changes below 0.5 and treats negative intensities in another way, so its threshold
# depends on scale and offset. It is given intensities from 0 to this number.
LI_RANGE = 10_000
# By name, for programs that find the brain by the same rule.
NUMBERS: dict[str, float] = {
    "largest_dim_share": LARGEST_DIM_SHARE,
    "largest_share_below": LARGEST_SHARE_BELOW_NOISE,
    "well_below": WELL_BELOW,
    "sample_size": SAMPLE_SIZE,
    "li_range": LI_RANGE,
}


class Brain(NamedTuple):
    """The brain of a volume, or the head.

    Attributes:
        mask: (depth, height, width); empty for a constant image.
        voxels: Those in the mask, (n,).
        share: In the mask, of the voxels that are clearly brighter than the background, 0 to 1.
    """

    mask: NDArray[np.bool_]
    voxels: NDArray[Any]
    share: float


def find_brain(voxels: NDArray[Any]) -> Brain:
    """Separate the brain (or the head, if the skull was not stripped) from the background.

    The background value is the most frequent value on the borders of the slices. Skull-stripped
    files have exactly that value outside the brain, be it 0 or negative: all other voxels are
    brain. Otherwise the background is noise, which shows as many dim voxels: Li's minimum
    cross-entropy threshold separates it from the head (Li and Lee 1993), whose dark holes are
    filled slice by slice.

    A positive factor and an offset of all intensities change nothing.

    Args:
        voxels: (depth, height, width), finite numbers that float32 can hold.
    """
    borders = np.concatenate([voxels[:, [0, -1], :].ravel(), voxels[:, :, [0, -1]].ravel()])
    values, counts = np.unique(borders, return_counts=True)
    background = values[counts.argmax()]
    differing: NDArray[np.bool_] = voxels != background
    rest = voxels[differing]
    if not rest.size:
        return Brain(differing, rest, 1.0)
    step = int((voxels.size / SAMPLE_SIZE) ** (1 / 3))
    if step > 1:
        sample = voxels[::step, ::step, ::step]
        if _dim_share(rest, _li_threshold(sample)) <= LARGEST_DIM_SHARE / 2:
            return Brain(differing, rest, 1.0)
    # Every second row and column: enough for a histogram.
    threshold = _li_threshold(voxels[:, ::2, ::2])
    margin = WELL_BELOW * (float(np.percentile(rest, 99)) - float(background))
    is_stripped = _dim_share(rest, threshold) <= LARGEST_DIM_SHARE
    if is_stripped or _is_within(float(background), margin, rest):
        return Brain(differing, rest, 1.0)
    mask = _filled(voxels > threshold)
    apart = voxels > float(background) + margin
    share = np.count_nonzero(mask & apart) / (np.count_nonzero(apart) or 1)
    return Brain(mask, voxels[mask], float(share))


def _filled(bright: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A mask with the holes of each slice filled, in place."""
    from scipy import ndimage

    for mask in bright:
        ndimage.binary_fill_holes(mask, output=mask)
    return bright


def _dim_share(rest: NDArray[Any], threshold: np.float32) -> float:
    return float(np.count_nonzero(rest <= threshold) / rest.size)


def _is_within(background: float, margin: float, rest: NDArray[Any]) -> bool:
    """Whether the background value is inside the range of the other voxels, not at its floor."""
    below = np.count_nonzero(rest < background - margin)
    return bool(below > LARGEST_SHARE_BELOW_NOISE * rest.size)


def _li_threshold(voxels: NDArray[Any]) -> np.float32:
    """Li's threshold of intensities, in their scale."""
    low, high = float(voxels.min()), float(voxels.max())
    if low == high:
        return np.float32(low)
    scale = LI_RANGE / (high - low)
    thresholder = sitk.LiThresholdImageFilter()
    scaled = ((voxels.astype(np.float64) - low) * scale).astype(np.float32)
    thresholder.Execute(sitk.GetImageFromArray(np.ascontiguousarray(scaled)))
    return np.float32(low + thresholder.GetThreshold() / scale)
