"""Other ways to make an interval or a verdict, which the simulations compare with the program's."""

from collections.abc import Callable, Sequence

import numpy as np
from scipy import stats
from scipy.special import expit, logit

from lightning_app.metrics.count_table import Floats
from lightning_app.metrics.intervals import Interval, Ratio, jackknife, t_quantile

DRAWS = 1000


def percentile_bootstrap(ratio: Ratio, rng: np.random.Generator) -> Interval | None:
    """The percentile bootstrap over patients."""
    return _percentiles(_drawn_ratios(ratio, rng)[0])


def studentised_bootstrap(ratio: Ratio, rng: np.random.Generator) -> Interval | None:
    """The bootstrap of t on the logit scale (Efron and Tibshirani 1993, section 12.5)."""
    value, error = _linearised(*ratio)
    if not 0 < value < 1:
        return None
    drawn, errors = _drawn_ratios(ratio, rng)
    with np.errstate(all="ignore"):
        t = (logit(drawn) - logit(value)) / (errors / (drawn * (1 - drawn)))
    t = t[np.isfinite(t)]
    if len(t) < DRAWS / 2:
        return None
    low, high = np.quantile(t, [0.975, 0.025])
    error /= value * (1 - value)
    return float(expit(logit(value) - low * error)), float(expit(logit(value) - high * error))


def plain_jackknife(ratio: Ratio, rng: np.random.Generator) -> Interval | None:
    """The jackknife on the logit scale, without allowing for what few patients cannot show."""
    estimate = jackknife([ratio], [1.0])
    value = estimate.value
    if not 0 < value < 1:
        return None
    width = t_quantile(ratio.patients - 1) * estimate.error / (value * (1 - value))
    return float(expit(logit(value) - width)), float(expit(logit(value) + width))


METHODS: dict[str, Callable[[Ratio, np.random.Generator], Interval | None]] = {
    "percentile bootstrap": percentile_bootstrap,
    "studentised bootstrap": studentised_bootstrap,
    "jackknife": plain_jackknife,
}


def earlier_verdict(
    case_dice: tuple[Floats, Floats],
    pooled: tuple[Sequence[Ratio], Sequence[Ratio]],
    rng: np.random.Generator,
) -> bool:
    """Whether the rule of earlier versions called one of two networks better.

    Args:
        case_dice: Dice of each patient, empty cases included, of each network.
        pooled: terms of pooled Dice of each seed of each network.
        rng: source of the draws.
    """
    differences = case_dice[0] - case_dice[1]
    if not differences.any():
        return False
    drawn = _draws(len(differences), rng)
    scores = [_mean_over_seeds(ratios, drawn) for ratios in pooled]
    low, high = _percentiles(scores[0] - scores[1])
    p = stats.wilcoxon(differences, method="approx").pvalue
    mean = differences.mean()
    return bool(p < 0.05 and ((low > 0 and mean > 0) or (high < 0 and mean < 0)))


def hierarchical_bootstrap(
    first: Sequence[Ratio], second: Sequence[Ratio], rng: np.random.Generator
) -> bool:
    """Whether a percentile bootstrap over seeds and patients excludes a difference of 0."""
    drawn = _draws(len(first[0].numerators), rng)
    scores = []
    for ratios in (first, second):
        by_seed = np.stack([_ratios(ratio, drawn) for ratio in ratios])
        seeds = rng.integers(0, len(ratios), by_seed.shape)
        scores.append(np.take_along_axis(by_seed, seeds, axis=0).mean(axis=0))
    low, high = _percentiles(scores[0] - scores[1])
    return low > 0 or high < 0


def _mean_over_seeds(ratios: Sequence[Ratio], drawn: Floats) -> Floats:
    mean: Floats = np.mean([_ratios(ratio, drawn) for ratio in ratios], axis=0)
    return mean


def _draws(patients: int, rng: np.random.Generator) -> Floats:
    """How often each patient is drawn, (draws, patients)."""
    return rng.multinomial(patients, [1 / patients] * patients, DRAWS).astype(np.float64)


def _ratios(ratio: Ratio, drawn: Floats) -> Floats:
    with np.errstate(all="ignore"):
        values: Floats = (drawn @ ratio.numerators) / (drawn @ ratio.denominators)
    return values


def _drawn_ratios(ratio: Ratio, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """The ratio of each draw, and its standard error, (draws,) each."""
    patients = len(ratio.numerators)
    index = rng.integers(0, patients, (DRAWS, patients))
    with np.errstate(all="ignore"):
        return _linearised(ratio.numerators[index], ratio.denominators[index])


def _linearised(numerators: Floats, denominators: Floats) -> tuple[Floats, Floats]:
    """Ratios of sums over the last axis, and their standard errors by linearisation."""
    patients, total = numerators.shape[-1], denominators.sum(axis=-1)
    value = numerators.sum(axis=-1) / total
    residuals = numerators - value[..., None] * denominators
    error = np.sqrt(patients / (patients - 1) * (residuals**2).sum(axis=-1)) / total
    return value, error


def _percentiles(values: Floats) -> Interval:
    low, high = np.nanquantile(values, [0.025, 0.975])
    return float(low), float(high)
