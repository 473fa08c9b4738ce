"""The scores of volumes. To add one, write a module with a VolumeScore and list it here.

Each is a score of one class of one case; its summary is the mean over the cases that have it.
"""

import math
from collections.abc import Callable

from lightning_app.metrics.case_masks import ClassMasks
from lightning_app.metrics.count_table import Floats
from lightning_app.metrics.score import VolumeScore
from lightning_app.metrics.volume.lesions import LesionScores
from lightning_app.metrics.volume.surface import PENALTY, SurfaceDistances, hd95, nsd

_MM = (0.0, PENALTY)
_RATIO = (0.0, 1.0)
_AMOUNT = (0.0, math.inf)


def _sensitivity(masks: ClassMasks) -> float | None:
    return _share(masks.counts.tp, masks.counts.reference)


def _specificity(masks: ClassMasks) -> float | None:
    return _share(masks.counts.tn, masks.counts.tn + masks.counts.fp)


def _share(part: Floats, whole: Floats) -> float | None:
    """One number divided by another; None if that is 0."""
    return part.item() / whole.item() if whole.item() else None


def _hd95_both(masks: ClassMasks) -> float | None:
    has_both = masks.counts.reference.item() > 0 and masks.counts.predicted.item() > 0
    return hd95(masks.distances) if has_both and masks.distances else None


def _of_surfaces(
    score: Callable[[SurfaceDistances, ClassMasks], float],
) -> Callable[[ClassMasks], float | None]:
    return lambda masks: score(masks.distances, masks) if masks.distances else None


def _of_lesions(score: Callable[[LesionScores], float]) -> Callable[[ClassMasks], float | None]:
    return lambda masks: score(masks.lesions) if masks.lesions else None


VOLUME_SCORES: tuple[VolumeScore, ...] = (
    VolumeScore(
        name="dice",
        summary="mean",
        definition="2 tp / (2 tp + fp + fn) of all voxels of a case; 1 if both masks are empty",
        compute=lambda masks: masks.counts.dice(empty=1).item(),
        higher_is_better=True,
        bounds=_RATIO,
    ),
    VolumeScore(
        name="sensitivity",
        definition="tp / (tp + fn) of all voxels of a case; undefined if the ground truth is empty",
        compute=_sensitivity,
        higher_is_better=True,
        bounds=_RATIO,
    ),
    VolumeScore(
        name="specificity",
        summary="mean",
        definition="tn / (tn + fp) of all voxels of a case, nearly all of them background",
        compute=_specificity,
        higher_is_better=True,
        bounds=_RATIO,
        averaged=False,
    ),
    VolumeScore(
        name="hd95",
        definition=(
            "95th percentile of the distances between the surfaces, weighted by area as in "
            "DeepMind's surface-distance, the larger of both directions; 0 if both masks are "
            f"empty, {PENALTY:g} if one is"
        ),
        compute=_of_surfaces(lambda distances, _: hd95(distances)),
        higher_is_better=False,
        bounds=_MM,
        may_exceed=True,
        unit="mm",
    ),
    VolumeScore(
        name="hd95_both",
        definition="hd95 of the cases in which neither mask is empty: there is no penalty in it",
        compute=_hd95_both,
        higher_is_better=False,
        unit="mm",
        averaged=False,
        derived=True,
    ),
    VolumeScore(
        name="nsd",
        definition=(
            "normalised surface distance: share of the area of both surfaces that lies within the "
            "tolerance of the other; 1 if both masks are empty, 0 if one is"
        ),
        compute=_of_surfaces(lambda distances, masks: nsd(distances, masks.settings.tolerance)),
        higher_is_better=True,
        bounds=_RATIO,
    ),
    VolumeScore(
        name="lesion_dice",
        definition=(
            "BraTS 2023: mean Dice of the lesions of the ground truth and of invented lesions, "
            "which count as 0, as missed ones do"
        ),
        compute=_of_lesions(lambda lesions: lesions.lesion_dice),
        higher_is_better=True,
        bounds=_RATIO,
    ),
    VolumeScore(
        name="lesion_hd95",
        definition=(
            "BraTS 2023: mean HD95 of the same lesions; a missed or an invented one counts as "
            f"{PENALTY:g}"
        ),
        compute=_of_lesions(lambda lesions: lesions.lesion_hd95),
        higher_is_better=False,
        bounds=_MM,
        may_exceed=True,
        unit="mm",
    ),
    VolumeScore(
        name="lesions_found",
        definition="number of lesions of the ground truth to which a predicted lesion belongs",
        compute=_of_lesions(lambda lesions: lesions.found),
        higher_is_better=True,
        bounds=_AMOUNT,
    ),
    VolumeScore(
        name="lesions_missed",
        definition="number of the other lesions of the ground truth",
        compute=_of_lesions(lambda lesions: lesions.missed),
        higher_is_better=False,
        bounds=_AMOUNT,
    ),
    VolumeScore(
        name="lesions_invented",
        definition="number of predicted lesions that belong to no lesion of the ground truth",
        compute=_of_lesions(lambda lesions: lesions.invented),
        higher_is_better=False,
        bounds=_AMOUNT,
    ),
    VolumeScore(
        name="volume_reference_ml",
        definition="volume of the class in the ground truth",
        compute=lambda masks: masks.counts.reference.item() * masks.voxel_ml,
        higher_is_better=None,
        unit="ml",
    ),
    VolumeScore(
        name="volume_predicted_ml",
        definition="volume of the class in the mask",
        compute=lambda masks: masks.counts.predicted.item() * masks.voxel_ml,
        higher_is_better=None,
        unit="ml",
    ),
    VolumeScore(
        name="volume_error",
        definition="mean over cases of the absolute difference between predicted and true volume",
        compute=lambda masks: (
            abs(masks.counts.predicted.item() - masks.counts.reference.item()) * masks.voxel_ml
        ),
        higher_is_better=False,
        unit="ml",
        derived=True,
    ),
)
