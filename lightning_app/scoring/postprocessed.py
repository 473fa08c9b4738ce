"""The masks of a test, and of a volume that is predicted, after post-processing."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from data_modules.brats import BraTSDataModule
from data_modules.targets import Target
from lightning_app.metrics.predicted_masks import PackedMasks
from lightning_app.postprocessing.postprocessing import Postprocessing


def postprocessed(
    data: BraTSDataModule, masks: PackedMasks, postprocessing: Postprocessing
) -> PackedMasks:
    """Apply the operations to whole cases, one after the other.

    Each mask stays in the corner of its slice: a case has one window, so that its slices fit on one
    another there too.

    Args:
        data: the tested data, whose slices are those of whole volumes.
        masks: of the tested slices, at the threshold.
        postprocessing: its operations are applied.
    """
    dataset, classes = data.datasets["test"], data.target.class_names
    changed = masks.copy()
    case_of = dataset.case_index[masks.samples]
    for case in np.unique(case_of).tolist():
        samples = masks.samples[case_of == case]
        rows = dataset.slice_index[samples] - dataset.slice_index[samples].min()
        slices = masks.unpack(samples, width=dataset.shape[-1])
        volume = np.zeros((slices.shape[1], int(rows.max()) + 1, *slices.shape[2:]), np.bool_)
        volume[:, rows] = slices.swapaxes(0, 1)
        x, y, z = dataset.spacing(case)
        result = postprocessing.apply(volume, classes, (z, y, x))
        changed.replace(samples, result[:, rows].swapaxes(0, 1))
    return changed


def postprocessed_volume(
    masks: Tensor, target: Target, postprocessing: Postprocessing, spacing: Sequence[float]
) -> Tensor:
    """Apply the operations to a volume.

    Args:
        masks: bool (D, classes, H, W), at the threshold.
        target: what they are of.
        postprocessing: its operations are applied.
        spacing: in mm along x, y, z; empty for arrays, whose voxels are those of BraTS, 1 mm.
    """
    if not postprocessing.operations:
        return masks
    x, y, z = spacing or (1.0, 1.0, 1.0)
    of_classes = masks.transpose(0, 1).cpu().numpy()
    changed = postprocessing.apply(of_classes, target.class_names, (z, y, x))
    return torch.from_numpy(changed).transpose(0, 1).to(masks.device)
