"""The one table that all scores come from: tp, fp, fn and tn of each slice and class.

Imports no torch: a report reads such tables from files.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


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
