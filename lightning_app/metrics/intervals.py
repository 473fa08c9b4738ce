"""95 % intervals over patients: where a score might lie on other patients like the tested ones.

The standard error is the jackknife's: each patient is left out once. An interval is computed on a
scale on which a score is nearly normal, with quantiles of Student's t. It allows for what few
patients cannot show, such as a tumour that is missed altogether.
docs/statistics.md has the coverage of these intervals, and of others, by number of patients.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lightning_app.metrics.count_table import Floats

LEVEL = 0.95
FEWEST_PATIENTS = 10  # that a score is defined for; with fewer, coverage was not measured
# In a mean, the part of a patient that is added at a bound of the score. Both ends together make
# the one observation of Agresti and Coull (1998), "Approximate is better than exact".
AT_A_BOUND = 0.5
NO_ERROR = 1e-12  # a smaller error is that of rounding
METHOD = "95 % intervals over patients: jackknife, t quantiles (docs/statistics.md)"

Interval = tuple[float, float]
Bounds = tuple[float, float]


class Ratio(NamedTuple):
    """A score as a ratio of sums: numerators and denominators, (patients,) each."""

    numerators: Floats
    denominators: Floats

    @property
    def patients(self) -> int:
        """The number of patients for whom the score is defined."""
        return int(np.count_nonzero(self.denominators > 0))

    def with_patient(self, value: float, share: float) -> "Ratio":
        """The ratio with a part of a patient more, who has that value and the mean denominator."""
        weight = share * self.denominators.sum() / self.patients
        return Ratio(
            np.append(self.numerators, value * weight), np.append(self.denominators, weight)
        )


@dataclass(frozen=True)
class Estimate:
    """A value with the standard error that comes from the choice of patients."""

    value: float
    error: float


def jackknife(ratios: Sequence[Ratio], weights: Sequence[float]) -> Estimate:
    """A weighted sum of ratios over the same patients (Efron and Tibshirani 1993, section 11.2).

    Args:
        ratios: each defined for at least two patients.
        weights: one for each ratio.
    """
    defined = np.any([ratio.denominators > 0 for ratio in ratios], axis=0)
    value, without = 0.0, np.zeros(np.count_nonzero(defined))
    for weight, ratio in zip(weights, ratios, strict=True):
        top, bottom = ratio.numerators.sum(), ratio.denominators.sum()
        value += weight * top / bottom
        left = (top - ratio.numerators[defined]) / (bottom - ratio.denominators[defined])
        without += weight * left
    return Estimate(float(value), math.sqrt((len(without) - 1) * without.var()))


def score_interval(
    ratios: Sequence[Ratio], bounds: Bounds = (0.0, 1.0), *, averaged: bool = False
) -> Interval | None:
    """The interval of a score, or of its mean over seeds.

    Args:
        ratios: one for each seed, of the same patients.
        bounds: the lowest and the highest value that the score can have; infinite if it has none.
        averaged: whether the score is a mean over slices or cases, not pooled.

    Returns:
        Its ends; None if the score is defined for fewer than 10 patients, if an end is infinite, or
        if the score is the same for all patients and no bound says how it might differ for others.
    """
    patients = min(ratio.patients for ratio in ratios)
    if patients < FEWEST_PATIENTS:
        return None
    weights = [1 / len(ratios)] * len(ratios)
    value, quantile = jackknife(ratios, weights).value, t_quantile(patients - 1)
    ends = [value]
    for sign, bound in zip((-1, 1), bounds, strict=True):
        at_bound = bound if averaged and math.isfinite(bound) else None
        estimate = jackknife(_with_unseen(ratios, sign, at_bound), weights)
        if estimate.error < NO_ERROR and at_bound is None:
            return None
        ends.append(_limit(estimate, sign * quantile, bounds))
    return (min(ends), max(ends)) if np.isfinite(ends).all() else None


def t_quantile(degrees: float) -> float:
    """The quantile of Student's t that leaves 2.5 % above it."""
    from scipy import special  # a third of the time that scipy.stats takes

    return float(special.stdtrit(degrees, (1 + LEVEL) / 2))


def _with_unseen(ratios: Sequence[Ratio], sign: int, bound: float | None) -> list[Ratio]:
    """The ratios with half a patient at a bound, or with the most extreme patient once more."""
    if bound is not None:
        return [ratio.with_patient(bound, AT_A_BOUND) for ratio in ratios]
    influence = np.zeros(len(ratios[0].numerators))
    for top, bottom in ratios:
        influence += (top - top.sum() / bottom.sum() * bottom) / bottom.sum()
    extreme = int(np.argmax(sign * influence))
    return [Ratio(*(np.append(part, part[extreme]) for part in ratio)) for ratio in ratios]


def by_patient(ratio: Ratio) -> Floats:
    """The score of each patient, (patients,); NaN if it is undefined."""
    undefined = np.full(len(ratio.numerators), np.nan)
    defined = ratio.denominators > 0
    values: Floats = np.divide(ratio.numerators, ratio.denominators, out=undefined, where=defined)
    return values


def _limit(estimate: Estimate, quantile: float, bounds: Bounds) -> float:
    """Value plus quantile times error, on the scale that fits the bounds."""
    from scipy import special

    low, high = bounds
    if math.isinf(low) and math.isinf(high):
        return estimate.value + quantile * estimate.error
    if math.isinf(low):
        return -_limit(Estimate(-estimate.value, estimate.error), -quantile, (-high, -low))
    above = estimate.value - low
    if math.isinf(high):
        return low + above * _exp(quantile * estimate.error / above) if above else low
    share = above / (high - low)
    if not 0 < share < 1:
        return estimate.value
    shift = quantile * estimate.error / (high - low) / (share * (1 - share))
    return low + (high - low) * float(special.expit(special.logit(share) + shift))


def _exp(value: float) -> float:
    """The exponential; infinite if it is too large for a float."""
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf
