"""The masks of whole cases, and the table of their volume scores. Imports no torch."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lightning_app.metrics.count_table import Counts, Floats
from lightning_app.metrics.volume.cohorts import DEFAULT_COHORT, Cohort
from lightning_app.metrics.volume.lesions import LesionScores, lesion_scores
from lightning_app.metrics.volume.masks import MM3_PER_ML
from lightning_app.metrics.volume.surface import SurfaceDistances, surface_distances


@dataclass(frozen=True)
class VolumeSettings:
    """What the scores of surfaces and lesions depend on, besides the masks.

    Attributes:
        cohort: defines lesions.
        tolerance: of NSD, in mm.
    """

    cohort: Cohort = DEFAULT_COHORT
    tolerance: float = 1.0


@dataclass(frozen=True)
class ClassMasks:
    """The masks of one class of one case, for a volume score.

    What several scores need is computed once, when it is first asked for.

    Attributes:
        prediction: bool (D, H, W); a depth of 1 is a single slice.
        reference: bool (D, H, W), the ground truth.
        spacing: distance between voxels in mm along the axes of the masks (z, y, x).
        settings: what scores depend on.
        has_gaps: whether slices in between were not tested; they are background in both masks.
    """

    prediction: NDArray[np.bool_]
    reference: NDArray[np.bool_]
    spacing: tuple[float, float, float]
    settings: VolumeSettings = VolumeSettings()
    has_gaps: bool = False

    @cached_property
    def counts(self) -> Counts:
        """The numbers of voxels, (1,) each."""
        pixels = pixel_counts(self.prediction, self.reference)
        return Counts.from_array(pixels.sum(axis=0, keepdims=True))

    @cached_property
    def distances(self) -> SurfaceDistances | None:
        """The distances between the surfaces, of a single slice between the contours.

        None if slices in between were not tested.
        """
        if self.has_gaps:
            return None
        return surface_distances(self.reference, self.prediction, self.spacing)

    @cached_property
    def lesions(self) -> LesionScores | None:
        """The lesion-wise scores; None for a single slice, or if slices were not tested."""
        if self.has_gaps or len(self.reference) == 1:
            return None
        return lesion_scores(self.reference, self.prediction, self.spacing, self.settings.cohort)

    @property
    def voxel_ml(self) -> float:
        """The volume of a voxel in ml."""
        return math.prod(self.spacing) / MM3_PER_ML


@dataclass(frozen=True)
class CaseMasks:
    """The tested slices of one case, stacked in the order of their indices.

    Attributes:
        case: its id.
        patient: whose scan it is.
        slices: index of each slice in the volume, ascending.
        prediction: bool (slices, classes, H, W).
        reference: bool (slices, classes, H, W), the ground truth.
        spacing: distance between voxels in mm along z, y, x.
        settings: what volume scores depend on.
    """

    case: str
    patient: str
    slices: Sequence[int]
    prediction: NDArray[np.bool_]
    reference: NDArray[np.bool_]
    spacing: tuple[float, float, float]
    settings: VolumeSettings = VolumeSettings()

    def counts(self) -> NDArray[np.int64]:
        """Counts tp, fp, fn and tn of each slice and class, (slices, classes, 4)."""
        return pixel_counts(self.prediction, self.reference)

    def of_class(self, index: int) -> ClassMasks:
        """The masks of one class as a volume from the lowest to the highest tested slice.

        Slices in between that were not tested are background in both masks. A single slice is a
        volume of depth 1.
        """
        rows = np.asarray(self.slices) - self.slices[0]
        depth = int(rows[-1]) + 1
        shape = (depth, *self.prediction.shape[2:])
        prediction, reference = np.zeros((2, *shape), np.bool_)
        prediction[rows] = self.prediction[:, index]
        reference[rows] = self.reference[:, index]
        has_gaps = len(rows) < depth
        return ClassMasks(prediction, reference, self.spacing, self.settings, has_gaps)


def pixel_counts(prediction: NDArray[np.bool_], reference: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Counts tp, fp, fn and tn, (..., 4), of two masks (..., H, W)."""
    pixels = prediction.shape[-2] * prediction.shape[-1]
    tp, predicted, positive = (
        np.count_nonzero(mask, axis=(-2, -1))
        for mask in (prediction & reference, prediction, reference)
    )
    tn = pixels - predicted - positive + tp
    return np.stack([tp, predicted - tp, positive - tp, tn], axis=-1)


@dataclass(frozen=True)
class VolumeTable:
    """The value of every volume score of each case and class.

    Attributes:
        classes: name of each class.
        cases: id of each case.
        patients: patient of each case.
        values: by name of a score, float64 (cases, classes); NaN if it is undefined.
    """

    classes: tuple[str, ...]
    cases: Sequence[str]
    patients: Sequence[str]
    values: Mapping[str, Floats]
