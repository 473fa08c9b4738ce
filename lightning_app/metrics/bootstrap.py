"""Bootstrap intervals of scores over patients."""

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

DRAWS = 10_000
LEVEL = 0.95
FEWEST_PATIENTS = 10  # with fewer, a percentile interval is far too narrow

Interval = tuple[float, float]
Ratio = tuple[NDArray[np.float64], NDArray[np.float64]]  # numerators, denominators


def bootstrap_interval(
    numerators: NDArray[np.float64], denominators: NDArray[np.float64], seed: int
) -> Interval | None:
    """95 % percentile bootstrap interval of a ratio of sums (Efron and Tibshirani 1993).

    Patients are drawn with replacement, 10,000 times. Draws whose denominator is 0 are left out.

    Args:
        numerators: (patients,).
        denominators: (patients,).
        seed: of the draws.

    Returns:
        Its ends; None for fewer than 10 patients or for an undefined score.
    """
    if np.array_equal(numerators, denominators) and len(numerators) >= FEWEST_PATIENTS:
        return (1.0, 1.0) if denominators.sum() > 0 else None  # SciPy warns about constant data
    return combined_interval([1.0], [(numerators, denominators)], seed)


def combined_interval(
    weights: Sequence[float], ratios: Sequence[Ratio], seed: int
) -> Interval | None:
    """The interval of a weighted sum of ratios of sums, such as a mean over seeds or a difference.

    The same patients are drawn for all of the ratios.

    Args:
        weights: one for each ratio.
        ratios: numerators (patients,) and denominators (patients,) of each ratio.
        seed: of the draws.

    Returns:
        Its ends; None for fewer than 10 patients or if a ratio is undefined.
    """
    from scipy import stats

    if len(ratios[0][0]) < FEWEST_PATIENTS or any(
        denominators.sum() == 0 for _, denominators in ratios
    ):
        return None

    def weighted_sum(*drawn: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
        pairs = zip(weights, drawn[::2], drawn[1::2], strict=True)
        terms = [weight * _ratio_of_sums(top, bottom, axis) for weight, top, bottom in pairs]
        total: NDArray[np.float64] = np.sum(terms, axis=0)
        return total

    with warnings.catch_warnings():
        # SciPy's own interval fails on draws with denominator 0; only its draws are used.
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        drawn = stats.bootstrap(
            [terms for ratio in ratios for terms in ratio],
            weighted_sum,
            paired=True,
            vectorized=True,
            method="percentile",
            n_resamples=DRAWS,
            batch=1000,  # bounds the memory
            rng=np.random.default_rng(seed),
        ).bootstrap_distribution
    low, high = np.nanquantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _ratio_of_sums(
    numerators: NDArray[np.float64], denominators: NDArray[np.float64], axis: int
) -> NDArray[np.float64]:
    top: NDArray[np.float64] = numerators.sum(axis=axis)
    bottom: NDArray[np.float64] = denominators.sum(axis=axis)
    return np.divide(top, bottom, out=np.full_like(top, np.nan), where=bottom > 0)
