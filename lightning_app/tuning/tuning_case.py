"""A case on which post-processing is chosen, small enough that many stay in memory."""

import zlib
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from lightning_app.metrics.volume.cohorts import Cohort
from lightning_app.metrics.volume.lesions import lesion_dice
from lightning_app.metrics.volume.masks import Spacing, bounding_box
from lightning_app.postprocessing.operations import Masks
from lightning_app.postprocessing.postprocessing import HALF, Postprocessing

# Those that are tried.
THRESHOLDS = (0.3, 0.35, 0.4, 0.45, HALF, 0.55, 0.6, 0.65, 0.7)
_FAST = 1  # of zlib's levels


@dataclass(frozen=True)
class TuningCase:
    """The prediction and the ground truth of a case.

    Of a probability only the number of thresholds below it is kept, and of a volume the box around
    everything. So a case takes some hundred kilobytes.

    Attributes:
        case: its id.
        patient: whose scan it is.
        classes: names of the classes.
        spacing: distance between voxels in mm along z, y, x.
        cohort: defines lesions.
    """

    case: str
    patient: str
    classes: tuple[str, ...]
    spacing: Spacing
    cohort: Cohort
    _shape: tuple[int, ...]
    _levels: bytes
    _reference: bytes

    @classmethod
    def of(
        cls,
        case: str,
        patient: str,
        classes: tuple[str, ...],
        spacing: Spacing,
        cohort: Cohort,
        probabilities: NDArray[np.float32],
        reference: Masks,
    ) -> Self:
        """Pack a case.

        Args:
            case: its id.
            patient: whose scan it is.
            classes: their names.
            spacing: in mm along z, y, x.
            cohort: defines lesions.
            probabilities: (classes, D, H, W).
            reference: bool of the same shape, the ground truth.
        """
        either = (probabilities > THRESHOLDS[0]) | reference
        box = bounding_box(np.any(either, axis=0))
        thresholds = np.array(THRESHOLDS, np.float32)
        levels = np.searchsorted(thresholds, probabilities[:, *box], side="left").astype(np.uint8)
        packed = (zlib.compress(part.tobytes(), _FAST) for part in (levels, reference[:, *box]))
        return cls(case, patient, classes, spacing, cohort, levels.shape, *packed)

    def objective(self, postprocessing: Postprocessing) -> float:
        """The mean of Dice and lesion-wise Dice of the classes after post-processing."""
        above = THRESHOLDS.index(postprocessing.threshold)
        masks: Masks = self._unpacked(self._levels, np.uint8) > above
        masks = postprocessing.apply(masks, self.classes, self.spacing)
        reference: Masks = self._unpacked(self._reference, np.bool_)
        scores = [
            (_dice(*pair), lesion_dice(*pair, self.spacing, self.cohort))
            for pair in zip(reference, masks, strict=True)
        ]
        return float(np.mean(scores))

    def _unpacked(self, packed: bytes, kind: type[np.generic]) -> NDArray[Any]:
        return np.frombuffer(zlib.decompress(packed), kind).reshape(self._shape)


def _dice(reference: NDArray[np.bool_], prediction: NDArray[np.bool_]) -> float:
    """Of all voxels of a case; 1 if both masks are empty, as ``dice`` of the volume scores."""
    total = np.count_nonzero(reference) + np.count_nonzero(prediction)
    return 2 * np.count_nonzero(reference & prediction) / total if total else 1.0
