"""The scores of volumes. Another one is a VolumeScore in a module of its own, listed here."""

import math

import numpy as np

from lightning_app.metrics.case_masks import ClassMasks
from lightning_app.metrics.score import VolumeScore

MM3_PER_ML = 1000.0


def _dice(masks: ClassMasks) -> float:
    total = np.count_nonzero(masks.prediction) + np.count_nonzero(masks.reference)
    overlap = np.count_nonzero(masks.prediction & masks.reference)
    return 2 * overlap / total if total else 1.0


def _volume_error(masks: ClassMasks) -> float:
    voxels = np.count_nonzero(masks.prediction) - np.count_nonzero(masks.reference)
    return abs(voxels) * math.prod(masks.spacing) / MM3_PER_ML


VOLUME_SCORES: tuple[VolumeScore, ...] = (
    VolumeScore(
        name="volume_dice",
        definition="mean over cases of the Dice of the tested slices as one volume; 1 if both "
        "masks are empty",
        compute=_dice,
        higher_is_better=True,
    ),
    VolumeScore(
        name="volume_error",
        definition="mean over cases of the absolute difference between predicted and true volume",
        compute=_volume_error,
        higher_is_better=False,
        unit="ml",
    ),
)
