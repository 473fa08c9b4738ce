"""The table that count scores are computed from: tp, fp, fn and tn of each slice and class.

Imports no torch: a report reads such tables from files.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
COUNTS = ("tp", "fp", "fn", "tn")


@dataclass(frozen=True)
class CountTable:
    """Pixel counts with the names of what was counted.

    Attributes:
        classes: name of each class.
        cases: case of each slice.
        patients: patient of each slice.
        slices: index of each slice in its volume.
        counts: int64 (slices, classes, 4), the last axis in the order of ``COUNTS``.
    """

    classes: tuple[str, ...]
    cases: Sequence[str]
    patients: Sequence[str]
    slices: Sequence[int]
    counts: NDArray[np.int64]

    def by_case(self) -> "CountTable":
        """The table with the slices of each case added up, cases sorted; slices are -1."""
        cases, first, index = np.unique(self.cases, return_index=True, return_inverse=True)
        counts = np.zeros((len(cases), *self.counts.shape[1:]), np.int64)
        np.add.at(counts, index, self.counts)
        patients = [self.patients[row] for row in first]
        return CountTable(self.classes, cases.tolist(), patients, [-1] * len(cases), counts)

    def pooled(self) -> "Counts":
        """The counts of all slices added up, (classes,) each."""
        return Counts.from_array(self.counts.sum(axis=0))

    def of_class(self, index: int) -> "Counts":
        """The counts of one class, (slices,) each."""
        return Counts.from_array(self.counts[:, index])


@dataclass(frozen=True)
class Counts:
    """The four counts of some units (slices, cases or classes), each float64 (n,)."""

    tp: Floats
    fp: Floats
    fn: Floats
    tn: Floats

    @classmethod
    def from_array(cls, counts: NDArray[np.int64]) -> "Counts":
        """From whole numbers (n, 4) in the order of ``COUNTS``."""
        return cls(*np.moveaxis(counts.astype(np.float64), -1, 0))

    @property
    def reference(self) -> Floats:
        """Pixels of the class in the ground truth."""
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

    def dice(self, empty: float) -> Floats:
        """Dice, 2 tp / (2 tp + fp + fn), of each unit.

        Args:
            empty: the value if ground truth and prediction are both empty.
        """
        return ratio(2 * self.tp, self.predicted + self.reference, empty)

    def iou(self, empty: float) -> Floats:
        """IoU, tp / (tp + fp + fn), of each unit; ``empty`` as in ``dice``."""
        return ratio(self.tp, self.union, empty)


def with_background(counts: NDArray[np.int64], slices: int, pixels: int) -> NDArray[np.int64]:
    """Counts of so many slices, all after the given ones with nothing in either mask.

    Args:
        counts: (given slices, classes, 4).
        slices: number of slices in all.
        pixels: of a slice.
    """
    nothing = np.array([0, 0, 0, pixels])
    blank = np.broadcast_to(nothing, (slices - len(counts), *counts.shape[1:]))
    return np.concatenate([counts, blank])


def with_outside(
    counts: NDArray[np.int64], positive: NDArray[np.int64], pixels: int
) -> NDArray[np.int64]:
    """Counts of whole slices, from those of a part outside of which nothing was predicted.

    Args:
        counts: (slices, classes, 4), of the part.
        positive: (slices, classes), pixels of the ground truth outside the part.
        pixels: of a whole slice.
    """
    nothing = np.zeros_like(positive)
    others = pixels - counts.sum(axis=2) - positive
    outside = np.stack([nothing, nothing, positive, others], axis=2)
    return np.asarray(counts + outside, np.int64)


def ratio(numerator: Floats, denominator: Floats, undefined: float) -> Floats:
    """Numerator by denominator, element by element; ``undefined`` if the denominator is 0."""
    result = np.full_like(numerator, undefined)
    return np.divide(numerator, denominator, out=result, where=denominator > 0)
