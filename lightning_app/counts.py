"""The one table that all scores come from: tp, fp, fn and tn of each slice and class."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchmetrics import Metric

Floats = NDArray[np.float64]


class SliceCounts(Metric):
    """Counts tp, fp, fn and tn of every slice and class, as whole numbers.

    ``compute`` gives int64 (slices, 1 + 4 classes): the sample's index, then the four counts of
    each class; sorted by sample, so that the order of the batches and the number of processes do
    not matter.
    """

    full_state_update = False
    rows: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.add_state("rows", default=[], dist_reduce_fx="cat")

    def update(self, prediction: Tensor, truth: Tensor, sample: Tensor) -> None:
        """Count a batch.

        Args:
            prediction: bool (N, classes, H, W).
            truth: bool (N, classes, H, W).
            sample: int64 (N,), the index of each slice in its set.
        """
        both = (prediction & truth).sum((2, 3))
        predicted, true = prediction.sum((2, 3)), truth.sum((2, 3))
        pixels = prediction.shape[2] * prediction.shape[3]
        neither = pixels - predicted - true + both
        counts = torch.stack([both, predicted - both, true - both, neither], dim=2)
        self.rows.append(torch.cat([sample[:, None], counts.flatten(1)], dim=1))

    def compute(self) -> Tensor:
        """The rows of all batches, sorted by sample.

        Raises:
            RuntimeError: a sample was counted twice.
        """
        rows = torch.cat(self.rows) if isinstance(self.rows, list) else self.rows
        rows = rows[rows[:, 0].argsort()]
        if (rows[1:, 0] == rows[:-1, 0]).any():
            raise RuntimeError("a slice was counted twice")
        return rows


@dataclass(frozen=True)
class CountTable:
    """The table of counts with the names of what was counted.

    Attributes:
        classes: name of each class.
        cases: case of each slice.
        patients: patient of each slice.
        slices: index of each slice in its volume.
        counts: int64 (slices, classes, 4): tp, fp, fn, tn.
    """

    classes: tuple[str, ...]
    cases: Sequence[str]
    patients: Sequence[str]
    slices: Sequence[int]
    counts: NDArray[np.int64]

    def by_case(self) -> "CountTable":
        """The table with the slices of each case added up; slices are -1."""
        cases, first, place = np.unique(self.cases, return_index=True, return_inverse=True)
        counts = np.zeros((len(cases), *self.counts.shape[1:]), np.int64)
        np.add.at(counts, place, self.counts)
        patients = [self.patients[index] for index in first]
        return CountTable(self.classes, cases.tolist(), patients, [-1] * len(cases), counts)


@dataclass(frozen=True)
class Counts:
    """The four counts of some slices or cases, each float64 (n,)."""

    tp: Floats
    fp: Floats
    fn: Floats
    tn: Floats

    @property
    def true(self) -> Floats:
        """Pixels of the class in the truth."""
        return self.tp + self.fn

    @property
    def predicted(self) -> Floats:
        """Pixels of the class in the prediction."""
        return self.tp + self.fp

    @property
    def union(self) -> Floats:
        """Pixels of the class in either."""
        return self.tp + self.fp + self.fn

    @property
    def pixels(self) -> Floats:
        """All pixels."""
        return self.union + self.tn
