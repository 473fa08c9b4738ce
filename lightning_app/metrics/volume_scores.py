"""The scores of volumes. To add one, write a module with a VolumeScore and list it here."""

import math

import numpy as np

from lightning_app.metrics.case_masks import ClassMasks
from lightning_app.metrics.score import VolumeScore
from lightning_app.metrics.volume.masks import MM3_PER_ML


def _volume_error(masks: ClassMasks) -> float:
    voxels = np.count_nonzero(masks.prediction) - np.count_nonzero(masks.reference)
    return abs(voxels) * math.prod(masks.spacing) / MM3_PER_ML


VOLUME_SCORES: tuple[VolumeScore, ...] = (
    VolumeScore(
        name="volume_error",
        definition="mean over cases of the absolute difference between predicted and true volume",
        compute=_volume_error,
        higher_is_better=False,
        unit="ml",
    ),
)
