"""Paired comparisons of two sets of masks of the same cases."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lightning_app.metrics.case_masks import VolumeTable
from lightning_app.metrics.count_table import Floats
from lightning_app.metrics.evaluate import ratio_by_patient
from lightning_app.metrics.intervals import Ratio
from lightning_app.metrics.paired_tests import Difference, compare_paired, holm
from lightning_app.metrics.score import VolumeScore, mean
from lightning_app.metrics.volume_scores import VOLUME_SCORES


@dataclass(frozen=True)
class Comparison:
    """A score of one region, of two masks of the same cases.

    Attributes:
        region: its name.
        score: that is compared.
        first: its mean over the cases for which both have it.
        second: the same of the other masks.
        n: number of these cases.
        difference: first - second; None if there is no such case.
        holm_p: p corrected for all regions.
    """

    region: str
    score: VolumeScore
    first: float | None
    second: float | None
    n: int
    difference: Difference | None
    holm_p: float | None

    @property
    def sign(self) -> int:
        """1 or -1 if the difference is shown to have that sign, else 0."""
        return self.difference.sign_shown(self.holm_p) if self.difference else 0

    def verdict(self, names: tuple[str, str]) -> str:
        """The result in words; ``names`` are those of the two sets of masks."""
        if self.holm_p is None:
            return "not tested"
        if not self.sign:
            objection = self.difference.objection(self.holm_p) if self.difference else ""
            return f"no difference in {self.score.name} shown{objection}"
        better = names[0] if (self.sign > 0) == self.score.higher_is_better else names[1]
        return f"{better} is better by {self.score.name}"


def compare(first: VolumeTable, second: VolumeTable) -> list[Comparison]:
    """Every score that has a direction; the tests of a score are corrected over the regions."""
    compared = [score for score in VOLUME_SCORES if score.higher_is_better is not None]
    return [found for score in compared for found in _compare(first, second, score)]


def _compare(first: VolumeTable, second: VolumeTable, score: VolumeScore) -> list[Comparison]:
    found: list[tuple[float | None, float | None, int, Difference | None]] = []
    for index in range(len(first.classes)):
        values, others = (table.values[score.name][:, index] for table in (first, second))
        both = ~np.isnan(values + others)
        difference = compare_paired(
            [_ratio(first, values, both)], [_ratio(second, others, both)], score.bounds
        )
        means = [float(of_one[both].mean()) if both.any() else None for of_one in (values, others)]
        found.append((means[0], means[1], int(both.sum()), difference))
    corrected = holm([difference.p if difference else None for *_, difference in found])
    return [
        Comparison(region, score, *of_region, holm_p)
        for region, of_region, holm_p in zip(first.classes, found, corrected, strict=True)
    ]


def _ratio(table: VolumeTable, values: Floats, counted: NDArray[np.bool_]) -> Ratio:
    """A mean over the cases that are counted, as sums of each patient."""
    return ratio_by_patient(*mean(values, counted), table.patients)
