"""The lesion-wise Dice and HD95 of BraTS 2023: every lesion of a case counts the same.

Each ground truth lesion is compared with all predicted lesions that belong to it, joined; see
``lesion_matching``. A missed or an invented lesion adds a Dice of 0 and an HD95 of ``PENALTY`` to
the means over lesions. Definition: https://github.com/rachitsaluja/BraTS-2023-Metrics.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from lightning_app.metrics.volume.cohorts import Cohort
from lightning_app.metrics.volume.masks import (
    MM3_PER_ML,
    Box,
    Mask,
    Spacing,
    bounding_box,
    check_masks,
    enclosing_box,
    moved,
)
from lightning_app.metrics.volume.surface import (
    PENALTY,
    distances_between,
    hd95,
    volume_surface,
)
from lightning_app.utils.errors import UsageError

if TYPE_CHECKING:
    from lightning_app.metrics.volume.lesion_matching import MatchedLesions


class LesionKind(StrEnum):
    """Whether a lesion is in the ground truth, in the prediction or in both."""

    FOUND = "found"
    MISSED = "missed"
    INVENTED = "invented"


@dataclass(frozen=True)
class Lesion:
    """A lesion of the ground truth, or one that the prediction invented.

    Attributes:
        kind: found, missed or invented.
        volume: in ml; of a found lesion, as the ground truth has it.
        box: where it is in the mask; of a found lesion, as the ground truth has it.
        dice: of a found lesion, else None.
        hd95: of a found lesion in mm, else None.
    """

    kind: LesionKind
    volume: float
    box: Box
    dice: float | None = None
    hd95: float | None = None


@dataclass(frozen=True)
class LesionScores:
    """The lesion-wise scores of one region of one case.

    Ground truth lesions that are too small for the cohort are in none of the values, and neither
    is what the prediction has in their reach.

    Attributes:
        lesions: found and missed ones in the order of the ground truth's voxels, then invented.
    """

    lesions: tuple[Lesion, ...]

    @property
    def found(self) -> int:
        """Number of ground truth lesions that the prediction has a part of."""
        return self._count(LesionKind.FOUND)

    @property
    def missed(self) -> int:
        """Number of ground truth lesions that the prediction has no part of."""
        return self._count(LesionKind.MISSED)

    @property
    def invented(self) -> int:
        """Number of predicted lesions that are not in the ground truth."""
        return self._count(LesionKind.INVENTED)

    @property
    def lesion_dice(self) -> float:
        """Mean Dice over the lesions, 1 if there is none."""
        return self._mean([lesion.dice for lesion in self.lesions], penalty=0.0, nothing=1.0)

    @property
    def lesion_hd95(self) -> float:
        """Mean HD95 over the lesions in mm, 0 if there is none."""
        return self._mean([lesion.hd95 for lesion in self.lesions], penalty=PENALTY, nothing=0.0)

    def _count(self, kind: LesionKind) -> int:
        return sum(lesion.kind is kind for lesion in self.lesions)

    def _mean(self, values: Sequence[float | None], penalty: float, nothing: float) -> float:
        if not values:
            return nothing
        return sum(penalty if value is None else value for value in values) / len(values)


def lesion_scores(
    reference: Mask, prediction: Mask, spacing: Spacing, cohort: Cohort
) -> LesionScores:
    """The lesion-wise scores of one region of one case.

    Args:
        reference: (D, H, W), the ground truth.
        prediction: (D, H, W).
        spacing: distance between voxels in mm along z, y, x.
        cohort: whose rules apply.

    Raises:
        UsageError: if the masks are a single slice.
        ValueError: if the masks differ in shape or are not bool (D, H, W).
    """
    from lightning_app.metrics.volume.lesion_matching import match_lesions  # needs SciPy

    check_masks(reference, prediction)
    if len(reference) == 1:
        raise UsageError("lesion-wise scores are defined for volumes, and this case has one slice")
    either = reference | prediction
    if not either.any():
        return LesionScores(())
    crop = bounding_box(either)
    matched = match_lesions(reference[crop], prediction[crop], cohort.dilations)
    lesions = (
        *_ground_truth_lesions(matched, spacing, cohort.smallest_mm3),
        *_invented_lesions(matched, spacing),
    )
    return LesionScores(tuple(replace(lesion, box=moved(lesion.box, crop)) for lesion in lesions))


def lesion_dice(reference: Mask, prediction: Mask, spacing: Spacing, cohort: Cohort) -> float:
    """``lesion_scores(...).lesion_dice`` by itself, without the time that distances take.

    The arguments are those of ``lesion_scores``.
    """
    from lightning_app.metrics.volume.lesion_matching import match_lesions  # needs SciPy

    check_masks(reference, prediction)
    crop = bounding_box(reference | prediction)
    if not crop[0].stop:
        return 1.0
    matched = match_lesions(reference[crop], prediction[crop], cohort.dilations)
    volumes = matched.reference.voxels * math.prod(spacing)
    counted = [n for n in range(1, len(volumes)) if volumes[n] > cohort.smallest_mm3]
    lesions = len(counted) + len(matched.unmatched())
    return sum(map(matched.dice, counted)) / lesions if lesions else 1.0


def _ground_truth_lesions(
    matched: MatchedLesions, spacing: Spacing, smallest_mm3: float
) -> Iterator[Lesion]:
    lesions = matched.reference
    for label in range(1, len(lesions) + 1):
        volume, box = int(lesions.voxels[label]) * math.prod(spacing), lesions.boxes[label]
        if volume <= smallest_mm3:
            continue
        if not matched.matches(label).size:
            yield Lesion(LesionKind.MISSED, volume / MM3_PER_ML, box)
            continue
        dice = matched.dice(label)
        distance = 0.0 if dice == 1 else _hd95(matched, label, spacing)
        yield Lesion(LesionKind.FOUND, volume / MM3_PER_ML, box, dice, distance)


def _hd95(matched: MatchedLesions, label: int, spacing: Spacing) -> float:
    matches = matched.matches(label)
    boxes = (matched.predicted.boxes[match] for match in matches)
    box = enclosing_box((matched.reference.boxes[label], *boxes))
    lesion = volume_surface(matched.reference.labels[box] == label, spacing)
    joined = volume_surface(np.isin(matched.predicted.labels[box], matches), spacing)
    return hd95(distances_between(lesion, joined, spacing))


def _invented_lesions(matched: MatchedLesions, spacing: Spacing) -> Iterator[Lesion]:
    for label in matched.unmatched():
        volume = int(matched.predicted.voxels[label]) * math.prod(spacing)
        yield Lesion(LesionKind.INVENTED, volume / MM3_PER_ML, matched.predicted.boxes[label])
