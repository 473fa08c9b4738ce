"""The masks of a test beside the ground truth, case by case and slice by slice."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from data_modules.brats import BraTSDataModule
from lightning_app.metrics.case_masks import CaseMasks, VolumeSettings
from lightning_app.metrics.predicted_masks import PackedMasks
from lightning_app.metrics.volume.cohorts import Cohort, cohort_of


class TestedCases:
    """The tested slices of a data module.

    Args:
        data: the tested data.
        masks: the predicted masks of the tested slices.
    """

    __test__ = False  # pytest, this is not a test

    def __init__(self, data: BraTSDataModule, masks: PackedMasks) -> None:
        self.target = data.target
        self.masks = masks
        self.dataset = data.datasets["test"]
        self._case_of = self.dataset.case_index[masks.samples]
        self._cases = self.dataset.cases_of(masks.samples)

    def __len__(self) -> int:
        """Number of tested cases."""
        return len(self._cases)

    def __iter__(self) -> Iterator[CaseMasks]:
        """The masks of every tested case, one case after the other."""
        for index in self._cases.tolist():
            yield self._case_masks(index)

    @property
    def are_slices(self) -> bool:
        """Whether every case is a single slice."""
        return len(self.masks.samples) == len(self._cases)

    @property
    def cohorts(self) -> list[Cohort]:
        """The cohorts of BraTS that the cases are of, by their releases."""
        cases = (self.dataset.cases[index] for index in self._cases.tolist())
        return list(dict.fromkeys(cohort_of(case.release.name) for case in cases))

    def _case_masks(self, index: int) -> CaseMasks:
        """The masks of the tested slices of a case, and of its blank slices, which are empty."""
        samples = self.masks.samples[self._case_of == index]
        tested = self.dataset.slice_index[samples]
        slices = np.union1d(tested, self.dataset.blank[index])
        rows = np.searchsorted(slices, tested)
        case = self.dataset.cases[index]
        x, y, z = self.dataset.spacing(index)
        return CaseMasks(
            case.id,
            case.patient,
            slices.tolist(),
            _stacked(self.predictions(samples), rows, len(slices)),
            _stacked(self.references(samples), rows, len(slices)),
            (z, y, x),
            VolumeSettings(cohort_of(case.release.name)),
        )

    def predictions(self, samples: Sequence[int] | NDArray[np.int64]) -> NDArray[np.bool_]:
        """Predicted masks, bool (N, classes, H, W)."""
        masks = self.masks.unpack(samples, width=self.dataset.shape[-1])
        return self.dataset.in_frame(masks, samples)

    def references(self, samples: Sequence[int] | NDArray[np.int64]) -> NDArray[np.bool_]:
        """Masks of the ground truth, bool (N, classes, H, W)."""
        labels = torch.from_numpy(self.dataset.stored_labels(samples))
        masks: NDArray[np.bool_] = self.target.classes_of(labels).numpy()
        return masks


def _stacked(masks: NDArray[np.bool_], rows: NDArray[np.int64], depth: int) -> NDArray[np.bool_]:
    """Masks at their rows of an otherwise empty stack (depth, classes, H, W)."""
    if len(masks) == depth:
        return masks
    stack = np.zeros((depth, *masks.shape[1:]), np.bool_)
    stack[rows] = masks
    return stack
