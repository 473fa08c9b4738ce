"""How sure a score is: bootstrap intervals over patients."""

import warnings

import numpy as np
from numpy.typing import NDArray

DRAWS = 10_000
LEVEL = 0.95
FEWEST_PATIENTS = 10  # below, a percentile interval is far too narrow to be shown

Interval = tuple[float, float]


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
        Its ends; None for fewer than 10 patients or an undefined score.
    """
    from scipy import stats  # noqa: PLC0415 (half a second that only a test needs)

    if len(numerators) < FEWEST_PATIENTS or denominators.sum() == 0:
        return None
    if np.array_equal(numerators, denominators):  # SciPy warns of data without spread
        return 1.0, 1.0
    with warnings.catch_warnings():
        # SciPy's own interval fails on draws without a denominator; it is not the one we use.
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        drawn = stats.bootstrap(
            (numerators, denominators),
            _ratio_of_sums,
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
    over: NDArray[np.float64] = numerators.sum(axis=axis)
    under: NDArray[np.float64] = denominators.sum(axis=axis)
    return np.divide(over, under, out=np.full_like(over, np.nan), where=under > 0)
