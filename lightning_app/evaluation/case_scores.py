"""The scores of one region of one case: the only module that knows how they are computed."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lightning_app.metrics.case_masks import ClassMasks
from lightning_app.metrics.volume.cohorts import Cohort
from lightning_app.metrics.volume.lesions import LesionScores, lesion_scores
from lightning_app.metrics.volume.masks import MM3_PER_ML
from lightning_app.metrics.volume.surface import hd95, nsd, surface_distances


@dataclass(frozen=True)
class RegionScores:
    """The scores of one region of one case.

    Attributes:
        dice: 1 if both masks are empty.
        sensitivity: None if the ground truth is empty.
        specificity: None if the ground truth is everywhere.
        hd95: in mm; 0 if both masks are empty, 374 if one is.
        nsd: 1 if both masks are empty, 0 if one is.
        has_both: whether neither mask is empty.
        lesions: lesion-wise scores; None for a single slice.
        volume_reference_ml: of the ground truth.
        volume_predicted_ml: of the mask.
    """

    dice: float
    sensitivity: float | None
    specificity: float | None
    hd95: float
    nsd: float
    has_both: bool
    lesions: LesionScores | None
    volume_reference_ml: float
    volume_predicted_ml: float


def case_scores(masks: ClassMasks, cohort: Cohort, tolerance: float) -> RegionScores:
    """Score one region of one case: in 3-D, or in 2-D if it is a single slice.

    Args:
        masks: (D, H, W) each; depth 1 is a single slice.
        cohort: defines lesions.
        tolerance: of NSD, in mm.
    """
    reference, prediction, spacing = masks.reference, masks.prediction, masks.spacing
    tp, fp, fn, tn = _counts(reference, prediction)
    distances = surface_distances(reference, prediction, spacing)
    dice = _share(2 * tp, fp + fn)
    is_slice = len(reference) == 1
    ml = math.prod(spacing) / MM3_PER_ML
    return RegionScores(
        dice=1.0 if dice is None else dice,
        sensitivity=_share(tp, fn),
        specificity=_share(tn, fp),
        hd95=hd95(distances),
        nsd=nsd(distances, tolerance),
        has_both=tp + fp > 0 and tp + fn > 0,
        lesions=None if is_slice else lesion_scores(reference, prediction, spacing, cohort),
        volume_reference_ml=(tp + fn) * ml,
        volume_predicted_ml=(tp + fp) * ml,
    )


def _counts(
    reference: NDArray[np.bool_], prediction: NDArray[np.bool_]
) -> tuple[int, int, int, int]:
    """Voxels tp, fp, fn and tn."""
    tp, predicted, true = (
        int(np.count_nonzero(mask)) for mask in (reference & prediction, prediction, reference)
    )
    return tp, predicted - tp, true - tp, reference.size - predicted - true + tp


def _share(part: int, rest: int) -> float | None:
    """The part of the sum of both; None if that is 0."""
    return part / (part + rest) if part + rest else None
