"""Intervals, against plain loops, textbook formulas and simulated patients."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from lightning_app.metrics.intervals import Ratio, jackknife, score_interval


def ratio(seed: int, patients: int = 30) -> Ratio:
    rng = np.random.default_rng(seed)
    denominators = rng.integers(50, 5000, patients).astype(float)
    return Ratio(denominators * rng.beta(5, 2, patients), denominators)


def leave_one_out(statistic: Callable[[NDArray[np.bool_]], float], patients: int) -> float:
    """The jackknife's standard error, patient by patient."""
    values = [statistic(np.arange(patients) != index) for index in range(patients)]
    centre = sum(values) / patients
    return math.sqrt((patients - 1) / patients * sum((value - centre) ** 2 for value in values))


def test_the_jackknife_equals_a_plain_loop() -> None:
    first, second = ratio(0), ratio(1)

    def difference(kept: NDArray[np.bool_]) -> float:
        scores = [float(r.numerators[kept].sum() / r.denominators[kept].sum()) for r in both]
        return 0.25 * scores[0] - 0.75 * scores[1]

    both = (first, second)
    estimate = jackknife(both, [0.25, -0.75])

    assert estimate.value == pytest.approx(difference(np.ones(30, bool)))
    assert estimate.error == pytest.approx(leave_one_out(difference, 30))


def test_the_error_of_a_mean_is_the_textbook_one() -> None:
    values = np.random.default_rng(2).normal(5, 1, 40)
    estimate = jackknife([Ratio(values, np.ones(40))], [1.0])
    assert estimate.error == pytest.approx(values.std(ddof=1) / math.sqrt(40))


def test_patients_for_whom_the_score_is_undefined_change_nothing() -> None:
    some = ratio(3, 15)
    more = Ratio(*(np.append(values, [0.0] * 7) for values in some))
    estimate, expected = jackknife([more], [1.0]), jackknife([some], [1.0])
    assert (estimate.value, estimate.error) == pytest.approx((expected.value, expected.error))
    assert score_interval([more]) == pytest.approx(score_interval([some]))


def test_a_pooled_score_on_the_logit_scale_allows_for_another_extreme_patient() -> None:
    pooled = ratio(4)
    value = float(pooled.numerators.sum() / pooled.denominators.sum())
    residuals = pooled.numerators - value * pooled.denominators
    ends = []
    for sign, extreme in ((-1, int(residuals.argmin())), (1, int(residuals.argmax()))):
        twice = [np.append(values, values[extreme]) for values in pooled]
        value = float(twice[0].sum() / twice[1].sum())
        error = leave_one_out(lambda kept, t=twice: float(t[0][kept].sum() / t[1][kept].sum()), 31)  # type: ignore[misc]
        width = stats.t.ppf(0.975, 29) * error / (value * (1 - value))
        ends.append(1 / (1 + math.exp(-(math.log(value / (1 - value)) + sign * width))))
    assert score_interval([pooled]) == pytest.approx(ends)


def test_a_mean_over_cases_allows_for_half_a_patient_at_either_bound() -> None:
    values = np.random.default_rng(5).beta(8, 2, 12)

    def end(bound: float, sign: int) -> float:
        extended, weights = np.append(values, bound), np.append(np.ones(12), 0.5)
        mean = float(np.average(extended, weights=weights))
        error = leave_one_out(
            lambda kept: float(np.average(extended[kept], weights=weights[kept])), 13
        )
        width = stats.t.ppf(0.975, 11) * error / (mean * (1 - mean))
        return 1 / (1 + math.exp(-(math.log(mean / (1 - mean)) + sign * width)))

    found = score_interval([Ratio(values, np.ones(12))], averaged=True)
    assert found == pytest.approx((end(0.0, -1), end(1.0, 1)))


def test_a_score_in_millimetres_is_the_same_in_centimetres() -> None:
    values = np.random.default_rng(6).gamma(2, 10, 25)
    ones = np.ones(25)
    for bounds in ((0.0, math.inf), (0.0, 374.0)):
        in_mm = score_interval([Ratio(values, ones)], bounds, averaged=True)
        in_cm = score_interval(
            [Ratio(values / 10, ones)], (bounds[0], bounds[1] / 10), averaged=True
        )
        assert in_mm is not None
        assert in_cm is not None
        assert in_mm == pytest.approx((10 * in_cm[0], 10 * in_cm[1]))
        assert 0 < in_mm[0] < values.mean() < in_mm[1]


@pytest.mark.parametrize(
    "bounds", [(0.0, 1.0), (0.0, math.inf), (-math.inf, math.inf), (-math.inf, 1.0), (-1.0, 1.0)]
)
@pytest.mark.parametrize("averaged", [False, True])
def test_an_interval_contains_the_value_and_stays_in_bounds(
    bounds: tuple[float, float], averaged: bool
) -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        values = rng.choice([0.0, 0.01, 0.5, 0.9, 1.0], 11, p=[0.3, 0.1, 0.1, 0.1, 0.4])
        interval = score_interval([Ratio(values, np.ones(11))], bounds, averaged=averaged)
        assert interval is not None
        assert bounds[0] <= interval[0] <= values.mean() <= interval[1] <= bounds[1]


@pytest.mark.parametrize("bounds", [(0.0, 1.0), (0.0, math.inf), (-math.inf, 1.0)])
@pytest.mark.parametrize("giant", [0.0, 1.0])
def test_one_patient_may_outweigh_all_others(bounds: tuple[float, float], giant: float) -> None:
    # Such as precision, if a network marks a whole scan of one patient and little in the others.
    others = np.full(11, 50.0)
    pooled = Ratio(np.append((1 - giant) * others, giant * 8e6), np.append(others, 8e6))
    value = float(pooled.numerators.sum() / pooled.denominators.sum())
    interval = score_interval([pooled], bounds)
    if math.isinf(bounds[1 - int(giant)]):  # an end would be infinite, which JSON cannot hold
        assert interval is None
    else:
        assert interval is not None
        assert bounds[0] <= interval[0] <= value <= interval[1] <= bounds[1]


def test_all_cases_right_still_leaves_something_open() -> None:
    right = Ratio(np.ones(12), np.ones(12))
    low, high = score_interval([right], averaged=True) or (0, 0)
    assert high == 1
    # As many failures as 12 patients without one leave open: 1 - 0.025 ** (1 / 12) = 0.26.
    assert 0.05 < 1 - low < 0.3


def test_no_interval_for_few_patients_or_without_variation() -> None:
    few = Ratio(np.append(np.ones(9), np.zeros(50)), np.append(np.full(9, 2.0), np.zeros(50)))
    assert score_interval([few]) is None
    assert score_interval([few], averaged=True) is None
    assert score_interval([ratio(7), few]) is None
    assert score_interval([Ratio(np.full(12, 3.0), np.full(12, 3.0))]) is None
    assert score_interval([Ratio(np.zeros(12), np.full(12, 3.0))]) is None
    assert score_interval([Ratio(np.zeros(12), np.ones(12))], (0, math.inf), averaged=True) is None


def test_the_mean_over_seeds_is_one_statistic_of_the_same_patients() -> None:
    first, second = ratio(8), ratio(9)
    assert score_interval([first, first]) == pytest.approx(score_interval([first]))

    low, high = score_interval([first, second]) or (0, 0)
    values = [float(r.numerators.sum() / r.denominators.sum()) for r in (first, second)]
    assert low < sum(values) / 2 < high


@pytest.mark.parametrize(("averaged", "missed"), [(False, 0.0), (True, 0.05)])
def test_at_least_nine_of_ten_intervals_of_twelve_patients_contain_the_true_value(
    averaged: bool, missed: float
) -> None:
    rng = np.random.default_rng(10)
    covered = 0
    for _ in range(300):
        values = np.where(rng.random(12) < missed, 0, rng.beta(18, 2, 12))
        weights = np.ones(12) if averaged else rng.gamma(2, 1000, 12)
        low, high = score_interval([Ratio(values * weights, weights)], averaged=averaged) or (0, 0)
        covered += low <= (1 - missed) * 0.9 <= high
    assert covered >= 0.9 * 300
