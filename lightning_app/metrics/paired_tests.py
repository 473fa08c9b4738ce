"""Paired comparisons of two masks, or two sets of masks, of the same patients."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lightning_app.metrics.count_table import Floats
from lightning_app.metrics.intervals import (
    FEWEST_PATIENTS,
    Bounds,
    Interval,
    Ratio,
    by_patient,
    jackknife,
    t_quantile,
)

ALPHA = 0.05
# The part of a patient that is added at either end of a difference. Without it, intervals of few
# patients covered less than 90 % in simulations; docs/statistics.md has their coverage with it.
AT_AN_END = 1 / 16
FEWEST_SEEDS = 3  # of both networks; two often agree by chance, and then seem to vary little
MOST_FOR_EXACT = 200  # patients; beyond, the exact test takes long and the normal one is as good


@dataclass(frozen=True)
class Difference:
    """The difference of a score between two sets of weights, first - second.

    Attributes:
        value: of the scores, each a mean over its seeds.
        interval: over patients, and over seeds if both have three; None for too few patients.
        patients: for whom the score is defined.
        differing: patients whose values differ.
        p: two-sided, of Wilcoxon's signed-rank test, and if both have three seeds the larger of it
            and ``seeds_p``; None for too few patients.
        seeds_p: two-sided, over patients and seeds; None unless both have three seeds.
        rank_sign: 1 or -1, the sign that Wilcoxon's ranks favour; 0 if none, or too few patients.
    """

    value: float
    interval: Interval | None
    patients: int
    differing: int
    p: float | None
    seeds_p: float | None
    rank_sign: int

    def sign_shown(self, corrected_p: float | None) -> int:
        """1 or -1 if the difference is shown to have that sign, else 0.

        All must hold: the corrected p is below 0.05, the interval lies on one side of 0, and the
        ranks favour that side. They need not: many small gains may come with a few large losses.
        """
        if self.interval is None or corrected_p is None or corrected_p >= ALPHA:
            return 0
        low, high = self.interval
        sign = 1 if low > 0 else -1 if high < 0 else 0
        return sign if sign == self.rank_sign else 0

    def objection(self, corrected_p: float | None) -> str:
        """Why nothing is shown although the corrected p is below 0.05; empty otherwise."""
        if corrected_p is None or corrected_p >= ALPHA or self.sign_shown(corrected_p):
            return ""
        low, high = self.interval or (0.0, 0.0)
        return ": the interval includes 0" if low <= 0 <= high else ": ranks and mean disagree"


def compare_paired(
    first: Sequence[Ratio], second: Sequence[Ratio], bounds: Bounds = (0.0, 1.0)
) -> Difference | None:
    """Compare a score that is a mean over slices or cases; None if it is undefined.

    Args:
        first: one ratio for each seed; all ratios are of the same patients, and their
            denominators are the same.
        second: likewise.
        bounds: the lowest and the highest value that the score can have; infinite if it has none.
    """
    patients = first[0].patients
    if not patients:
        return None
    differences = _mean_by_patient(first) - _mean_by_patient(second)
    differences = differences[~np.isnan(differences)].round(12)  # means over seeds are rounded
    value = _mean(first) - _mean(second)
    differing = int(np.count_nonzero(differences))
    if patients < FEWEST_PATIENTS:
        return Difference(value, None, patients, differing, None, None, 0)
    p, seeds_p = signed_rank_p(differences), _seeds_p(first, second)
    interval = _interval(first, second, bounds)
    sign = _rank_sign(differences)
    return Difference(value, interval, patients, differing, max(p, seeds_p or 0), seeds_p, sign)


def have_seeds(first: Sequence[object], second: Sequence[object]) -> bool:
    """Whether two networks have enough seeds for a test that is about them, not their weights."""
    return min(len(first), len(second)) >= FEWEST_SEEDS


def signed_rank_p(differences: Floats) -> float:
    """Two-sided p of Wilcoxon's signed-rank test (1945), exact also if differences are equal.

    Differences of 0 are left out, as Wilcoxon did; 1 if none remains. With more than 200 the
    normal approximation is used.
    """
    from scipy import stats

    differences = differences[differences != 0]
    if not len(differences):
        return 1.0
    if len(differences) > MOST_FOR_EXACT:
        return float(stats.wilcoxon(differences).pvalue)
    doubled = (2 * stats.rankdata(np.abs(differences))).astype(int)  # ranks of equals are halves
    share = np.ones(1)  # of the signs that give each sum of ranks
    for rank in doubled:
        share = (np.pad(share, (0, rank)) + np.pad(share, (rank, 0))) / 2
    positive = doubled[differences > 0].sum()
    smaller = min(positive, doubled.sum() - positive)
    return min(1.0, float(2 * share[: smaller + 1].sum()))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's step-down correction (1979); None stays None and is not counted."""
    ranked = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p, index) in enumerate(ranked):
        largest = max(largest, min(1.0, (len(ranked) - rank) * p))
        corrected[index] = largest
    return corrected


def _rank_sign(differences: Floats) -> int:
    from scipy import stats

    differences = differences[differences != 0]
    return int(np.sign(stats.rankdata(np.abs(differences)) @ np.sign(differences)))


def _interval(first: Sequence[Ratio], second: Sequence[Ratio], bounds: Bounds) -> Interval:
    """Student's interval of the difference, which allows for what few patients cannot show."""
    most = span = bounds[1] - bounds[0]
    share = AT_AN_END
    if math.isinf(span):
        span = float(np.nanmax(np.abs(_mean_by_patient(first) - _mean_by_patient(second))))
        share = 1.0
    _, _, degrees = _error(first, second, first[0].patients - 1)
    ends = []
    for sign in (-1, 1):
        shifted = [ratio.with_patient(sign * span, share) for ratio in first]
        unshifted = [ratio.with_patient(0.0, share) for ratio in second]
        value, error, _ = _error(shifted, unshifted, first[0].patients - 1)
        ends.append(value + sign * t_quantile(degrees) * error)
    return max(ends[0], -most), min(ends[1], most)


def _seeds_p(first: Sequence[Ratio], second: Sequence[Ratio]) -> float | None:
    if not have_seeds(first, second):
        return None
    from scipy import special

    value, error, degrees = _error(first, second, first[0].patients - 1)
    if not error:
        return 1.0
    return float(2 * special.stdtr(degrees, -abs(value) / error))


def _error(
    first: Sequence[Ratio], second: Sequence[Ratio], degrees: int
) -> tuple[float, float, float]:
    """The difference, its standard error, and the error's degrees of freedom.

    The variance over patients and that over seeds are added, as in studies with several readers and
    cases; the degrees of freedom are Satterthwaite's (1946). With too few seeds there is only the
    variance over patients.
    """
    weights = [1 / len(first)] * len(first) + [-1 / len(second)] * len(second)
    estimate = jackknife([*first, *second], weights)
    parts = [(estimate.error**2, degrees)]
    if have_seeds(first, second):
        parts += _variance_over_seeds(_scores(first), _scores(second))
    variance = sum(part for part, _ in parts)
    if not variance:
        return estimate.value, 0.0, degrees
    freedom = variance**2 / sum(part**2 / degrees for part, degrees in parts)
    return estimate.value, math.sqrt(variance), freedom


def _variance_over_seeds(*networks: Floats) -> list[tuple[float, int]]:
    """The variance of the difference of two means over seeds, in parts with degrees of freedom.

    Welch's variance has a part for each network. With unequal numbers of seeds it is too small if
    the network with few seeds was lucky; then it is that of all seeds together.
    """
    parts = [(float(np.var(s, ddof=1)) / len(s), len(s) - 1) for s in networks]
    degrees = sum(len(scores) - 1 for scores in networks)
    squares = sum(float(((scores - scores.mean()) ** 2).sum()) for scores in networks)
    pooled = squares / degrees * sum(1 / len(scores) for scores in networks)
    if pooled > (1 + 1e-9) * sum(part for part, _ in parts):
        return [(pooled, degrees)]
    return parts


def _scores(ratios: Sequence[Ratio]) -> Floats:
    return np.array([ratio.numerators.sum() / ratio.denominators.sum() for ratio in ratios])


def _mean(ratios: Sequence[Ratio]) -> float:
    return float(_scores(ratios).mean())


def _mean_by_patient(ratios: Sequence[Ratio]) -> Floats:
    mean: Floats = np.mean([by_patient(ratio) for ratio in ratios], axis=0)
    return mean
