"""The masks of whole cases, and the table of their volume scores. Imports no torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lightning_app.metrics.count_table import Floats


@dataclass(frozen=True)
class ClassMasks:
    """The masks of one class of one case, for a volume score.

    Attributes:
        prediction: bool (D, H, W).
        reference: bool (D, H, W), the ground truth.
        spacing: distance between voxels in mm along the axes of the masks (z, y, x).
    """

    prediction: NDArray[np.bool_]
    reference: NDArray[np.bool_]
    spacing: tuple[float, float, float]


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
    """

    case: str
    patient: str
    slices: Sequence[int]
    prediction: NDArray[np.bool_]
    reference: NDArray[np.bool_]
    spacing: tuple[float, float, float]

    def counts(self) -> NDArray[np.int64]:
        """Counts tp, fp, fn and tn of each slice and class, (slices, classes, 4)."""
        return pixel_counts(self.prediction, self.reference)

    def of_class(self, index: int) -> ClassMasks:
        """The masks of one class as a volume from the lowest to the highest tested slice.

        Slices in between that were not tested are background in both masks. A single slice is a
        volume of depth 1.
        """
        first, last = self.slices[0], self.slices[-1]
        rows = np.asarray(self.slices) - first
        shape = (last - first + 1, *self.prediction.shape[2:])
        prediction, reference = np.zeros((2, *shape), np.bool_)
        prediction[rows] = self.prediction[:, index]
        reference[rows] = self.reference[:, index]
        return ClassMasks(prediction, reference, self.spacing)


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
