"""The connected components of a mask, as the lesion-wise scores take them."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lightning_app.metrics.volume.lesion_matching import FACES_EDGES_AND_CORNERS, Labels
from lightning_app.metrics.volume.masks import Mask


def components(mask: Mask) -> tuple[Labels, NDArray[np.intp]]:
    """Voxels that touch by a face, an edge or a corner.

    Args:
        mask: (D, H, W).

    Returns:
        Their labels (D, H, W), from 1 in the order of the voxels, and the number of voxels by
        label, (components + 1,), 0 for the background.
    """
    labels, _ = ndimage.label(mask, FACES_EDGES_AND_CORNERS)
    voxels = np.bincount(labels.ravel(), minlength=1)
    voxels[0] = 0
    return labels, voxels
