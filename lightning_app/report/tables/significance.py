"""Paired tests between networks, on the same patients."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from lightning_app.metrics.bootstrap import FEWEST_PATIENTS, Interval, combined_interval
from lightning_app.metrics.evaluate import BOOTSTRAP_SEED
from lightning_app.report.load.cohorts import Cohort, Entry
from lightning_app.report.tables.estimates import (
    DICE,
    Measure,
    dice_by_patient,
    score_measure,
    seed_terms,
)

ALPHA = 0.05


@dataclass(frozen=True)
class Comparison:
    """Two networks on one modality and class.

    Attributes:
        first: the first network.
        second: the second network.
        index: of the class.
        patients: number of paired patients.
        case_difference: mean over patients of the difference first - second of ``dice_case``.
        p: two-sided p of Wilcoxon's signed-rank test; None if there are too few patients.
        holm_p: p corrected for all pairs of the modality and class.
        dice_difference: difference first - second of pooled ``dice``, with its interval.
    """

    first: Entry
    second: Entry
    index: int
    patients: int
    case_difference: float
    p: float | None
    holm_p: float | None
    dice_difference: Measure

    @property
    def better(self) -> Entry | None:
        """The network that both tests favour; None if they do not agree."""
        interval = self.dice_difference.interval
        if self.holm_p is None or interval is None or self.holm_p >= ALPHA:
            return None
        if interval[0] > 0 and self.case_difference > 0:
            return self.first
        if interval[1] < 0 and self.case_difference < 0:
            return self.second
        return None


def compare(cohort: Cohort, modality: str, index: int) -> list[Comparison]:
    """All pairs of networks on a modality, for the class with that index."""
    pairs = list(combinations(cohort.of(modality), 2))
    differences = [dice_by_patient(a, index) - dice_by_patient(b, index) for a, b in pairs]
    p_values = [signed_rank_p(difference) for difference in differences]
    return [
        Comparison(
            first, second, index, len(difference), float(difference.mean()), p, corrected,
            _dice_difference(first, second, index),
        )
        for (first, second), difference, p, corrected in zip(
            pairs, differences, p_values, holm(p_values), strict=True
        )
    ]  # fmt: skip


def signed_rank_p(differences: NDArray[np.float64]) -> float | None:
    """Two-sided p of Wilcoxon's signed-rank test.

    None for fewer than 10 patients, 1 if no patient differs.
    """
    from scipy import stats

    if len(differences) < FEWEST_PATIENTS:
        return None
    if not differences.any():
        return 1.0
    return float(stats.wilcoxon(differences).pvalue)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's step-down correction (1979); None stays None and is not counted."""
    ranked = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p, index) in enumerate(ranked):
        largest = max(largest, min(1.0, (len(ranked) - rank) * p))
        corrected[index] = largest
    return corrected


def _dice_difference(first: Entry, second: Entry, index: int) -> Measure:
    values = [score_measure(entry, index, DICE).value for entry in (first, second)]
    if values[0] is None or values[1] is None:
        return Measure(None)
    return Measure(values[0] - values[1], None, _interval(first, second, index))


def _interval(first: Entry, second: Entry, index: int) -> Interval | None:
    terms, weights = seed_terms(first, index)
    more_terms, more_weights = seed_terms(second, index)
    signed = [*weights, *(-weight for weight in more_weights)]
    return combined_interval(signed, [*terms, *more_terms], BOOTSTRAP_SEED)
