"""The connected components of a mask, as the lesion-wise scores take them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lightning_app.metrics.volume.masks import Mask

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lightning_app.metrics.volume.lesion_matching import Labels


def components(mask: Mask) -> tuple[Labels, NDArray[np.intp]]:
    """Voxels that touch by a face, an edge or a corner.

    Args:
        mask: (D, H, W).

    Returns:
        Their labels (D, H, W), from 1 in the order of the voxels, and the number of voxels by
        label, (components + 1,), 0 for the background.
    """
    from scipy import ndimage  # not for a report, which only reads what was done

    from lightning_app.metrics.volume.lesion_matching import FACES_EDGES_AND_CORNERS

    labels, _ = ndimage.label(mask, FACES_EDGES_AND_CORNERS)
    voxels = np.bincount(labels.ravel(), minlength=1)
    voxels[0] = 0
    return labels, voxels
