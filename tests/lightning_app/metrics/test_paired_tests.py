"""Paired tests, against enumeration, SciPy, textbook formulas and simulated networks."""

import math
from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest
from scipy import stats

from lightning_app.metrics.count_table import Floats
from lightning_app.metrics.intervals import Ratio
from lightning_app.metrics.paired_tests import Difference, compare_paired, holm, signed_rank_p


def means(*seeds: Sequence[float] | Floats) -> list[Ratio]:
    """A mean over patients for each seed."""
    return [Ratio(np.array(values, float), np.ones(len(values))) for values in seeds]


def enumerated_p(differences: Sequence[float]) -> float:
    """Every assignment of signs to the ranks of the differences that are not 0."""
    values = np.array([value for value in differences if value])
    ranks = stats.rankdata(np.abs(values))
    expected = ranks.sum() / 2
    observed = abs(ranks[values > 0].sum() - expected)
    signs = product([0, 1], repeat=len(values))
    return float(np.mean([abs(np.dot(s, ranks) - expected) >= observed - 1e-9 for s in signs]))


@pytest.mark.parametrize(
    "differences",
    [
        [0.1, 0.2, 0.3, 0.4] + [0.0] * 53,  # four of 57 patients
        [1.0, 1.0, 1.0, -1.0, 1.0, 1.0, 1.0],
        [0.5, -0.5, 0.25, 0.25, 0.25, 0.0, -0.1, 0.7, 0.7, 0.3],
        [-1.0, -2.0, -3.0, -4.0, -5.0, 6.0],
        [0.3],
        [0.3, -0.3],
    ],
)
def test_the_signed_rank_test_equals_an_enumeration(differences: list[float]) -> None:
    assert signed_rank_p(np.array(differences)) == pytest.approx(enumerated_p(differences))
    assert signed_rank_p(-np.array(differences)) == pytest.approx(enumerated_p(differences))


def test_four_of_57_patients_are_not_enough() -> None:
    assert signed_rank_p(np.array([0.1, 0.2, 0.3, 0.4] + [0.0] * 53)) == pytest.approx(0.125)
    assert signed_rank_p(np.zeros(57)) == 1


@pytest.mark.parametrize("patients", [12, 40, 126])
def test_without_equal_differences_it_is_scipys_exact_test(patients: int) -> None:
    differences = np.random.default_rng(patients).normal(0.15, 1, patients)
    expected = stats.wilcoxon(differences, method="exact").pvalue
    assert signed_rank_p(differences) == pytest.approx(expected)


def test_with_very_many_patients_it_is_the_normal_approximation() -> None:
    differences = np.random.default_rng(0).normal(0.05, 1, 1251).round(1)
    expected = stats.wilcoxon(differences, zero_method="wilcox", method="approx").pvalue
    assert signed_rank_p(differences) == pytest.approx(expected)


def test_equal_differences_of_one_size_are_a_sign_test() -> None:
    differences = np.array([1.0] * 11 + [-1.0] * 3)
    assert signed_rank_p(differences) == pytest.approx(stats.binomtest(3, 14).pvalue)


def test_holm_as_worked_out_by_hand() -> None:
    # Sorted 0.005, 0.01, 0.03, 0.04, times 4, 3, 2, 1: 0.02, 0.03, 0.06, 0.04; never falling.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([None, 0.04, None, 0.01]) == [None, 0.04, None, 0.02]
    assert holm([]) == []


def test_one_seed_each_is_compared_over_patients() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.beta(8, 2, 20), rng.beta(7, 3, 20)
    found = compare_paired(means(first), means(second))

    assert found is not None
    assert found.value == pytest.approx(first.mean() - second.mean())
    assert (found.patients, found.differing, found.seeds_p) == (20, 20, None)
    assert found.p == pytest.approx(stats.wilcoxon(first - second, method="exact").pvalue)
    # Student's interval, with a sixteenth of a patient at either end.
    for end, sign in zip(found.interval or (), (-1, 1), strict=True):
        values, weights = np.append(first - second, sign), np.append(np.ones(20), 1 / 16)
        mean = np.average(values, weights=weights)
        kept = np.array([np.arange(21) != index for index in range(21)])
        left = np.array([np.average(values[k], weights=weights[k]) for k in kept])
        error = math.sqrt(20 / 21 * ((left - left.mean()) ** 2).sum())
        assert end == pytest.approx(mean + sign * stats.t.ppf(0.975, 19) * error)


def test_patients_without_the_class_are_left_out() -> None:
    rng = np.random.default_rng(2)
    first, second = rng.beta(8, 2, 20), rng.beta(7, 3, 20)
    absent = np.zeros(30)
    defined = np.append(np.ones(20), absent)
    found = compare_paired(
        [Ratio(np.append(first, absent), defined)], [Ratio(np.append(second, absent), defined)]
    )
    expected = compare_paired(means(first), means(second))
    assert found is not None
    assert expected is not None
    assert (found.patients, found.differing) == (20, 20)
    assert found.p == pytest.approx(expected.p)
    assert found.value == pytest.approx(expected.value)
    assert found.interval == pytest.approx(expected.interval)


def test_too_few_patients_are_not_tested() -> None:
    rng = np.random.default_rng(3)
    found = compare_paired(means(rng.random(9) + 5), means(rng.random(9)))
    assert found is not None
    assert (found.patients, found.p, found.interval, found.sign_shown(0.0)) == (9, None, None, 0)
    nothing = [Ratio(np.zeros(12), np.zeros(12))]
    assert compare_paired(nothing, nothing) is None


def test_the_test_over_patients_and_seeds() -> None:
    rng = np.random.default_rng(4)
    patients = rng.normal(0, 0.1, 25)
    first = [0.80 + shift + patients + rng.normal(0, 0.02, 25) for shift in (0.01, -0.02, 0.03)]
    second = [0.75 + shift + patients + rng.normal(0, 0.02, 25) for shift in (0.02, -0.03, 0.03)]
    found = compare_paired(means(*first), means(*second))

    difference = np.mean(first, axis=0) - np.mean(second, axis=0)
    over_patients = difference.var(ddof=1) / 25
    over_seeds = [
        float(np.var([seed.mean() for seed in arm], ddof=1)) / len(arm) for arm in (first, second)
    ]
    variance = over_patients + sum(over_seeds)
    degrees = variance**2 / (
        over_patients**2 / 24 + over_seeds[0] ** 2 / 2 + over_seeds[1] ** 2 / 2
    )
    expected = 2 * stats.t.sf(abs(difference.mean()) / math.sqrt(variance), degrees)
    assert found is not None
    assert found.seeds_p == pytest.approx(expected)
    wilcoxon = stats.wilcoxon(difference, method="exact").pvalue
    assert found.p == pytest.approx(max(expected, wilcoxon))
    assert expected > wilcoxon  # so that the larger one is not Wilcoxon's
    low, high = found.interval or (0, 0)
    assert high - low > 2 * stats.t.ppf(0.975, degrees) * math.sqrt(variance)


@pytest.mark.parametrize(("first", "second"), [(3, 1), (3, 2), (2, 2), (1, 8)])
def test_fewer_than_three_seeds_are_no_test_over_seeds(first: int, second: int) -> None:
    rng = np.random.default_rng(5)
    found = compare_paired(means(*rng.random((first, 20))), means(*rng.random((second, 20))))
    assert found is not None
    assert found.seeds_p is None


def test_a_network_whose_few_seeds_agree_by_luck_does_not_vary_less() -> None:
    rng = np.random.default_rng(12)
    base = rng.normal(0.7, 0.05, 40)
    few = [base + shift for shift in (0.060, 0.061, 0.062)]
    many = [base + shift for shift in (0.06, 0.05, -0.2, 0.06, 0.07, 0.05, -0.25, 0.06)]
    found = compare_paired(means(*few), means(*many))

    scores = [np.array([seed.mean() for seed in arm]) for arm in (few, many)]
    squares = sum(((s - s.mean()) ** 2).sum() for s in scores)
    difference = np.mean(few, axis=0) - np.mean(many, axis=0)
    parts = [(difference.var(ddof=1) / 40, 39), (squares / 9 * (1 / 3 + 1 / 8), 9)]
    variance = sum(part for part, _ in parts)
    degrees = variance**2 / sum(part**2 / free for part, free in parts)
    expected = 2 * stats.t.sf(abs(difference.mean()) / math.sqrt(variance), degrees)
    assert found is not None
    assert found.seeds_p == pytest.approx(expected)


def test_seeds_that_agree_on_every_mean_are_compared_without_rounding_errors() -> None:
    values = np.random.default_rng(6).random((3, 15))
    found = compare_paired(means(*values), means(*values[[2, 0, 1]]))
    assert found is not None
    assert (found.differing, found.p) == (0, 1)


def test_a_sign_is_shown_only_by_a_small_p_and_an_interval_beside_0() -> None:
    rng = np.random.default_rng(7)
    better = rng.beta(8, 2, 60)
    worse = better - 0.2 * rng.random(60)
    found = compare_paired(means(better), means(worse))
    assert found is not None
    assert found.sign_shown(found.p) == 1
    assert [found.sign_shown(p) for p in (0.0499, 0.05, 0.07, None)] == [1, 0, 0, 0]
    reverse = compare_paired(means(worse), means(better))
    assert reverse is not None
    assert reverse.sign_shown(0.01) == -1

    # 57 small gains and 3 large losses: Wilcoxon's p is tiny, but the mean may be on either side.
    mixed = compare_paired(means(np.append(np.full(57, 0.6), [0, 0, 0])), means(np.full(60, 0.58)))
    assert mixed is not None
    assert mixed.p is not None
    assert mixed.p < 0.001
    assert mixed.sign_shown(mixed.p) == 0


@pytest.mark.parametrize("seeds", [1, 3])
def test_no_sign_is_shown_if_the_ranks_favour_the_other_side(seeds: int) -> None:
    # The first network is slightly better for 100 patients, and misses 26 tumours.
    first = means(*[np.repeat([0.9, 0.0], [100, 26])] * seeds)
    second = means(*[np.repeat([0.89, 0.6], [100, 26])] * seeds)
    found, reverse = compare_paired(first, second), compare_paired(second, first)

    for difference, sign in ((found, 1), (reverse, -1)):
        assert difference is not None
        assert difference.interval is not None
        assert difference.p is not None
        assert difference.p < 0.01
        assert max(sign * end for end in difference.interval) < 0
        assert difference.rank_sign == sign
        assert difference.sign_shown(difference.p) == 0


def test_the_interval_of_a_difference_stays_in_bounds() -> None:
    # One network is wrong on every patient; the other is right on all but one.
    right, wrong = means([1.0] * 11 + [0.0]), means([0.0] * 12)
    found, reverse = compare_paired(right, wrong), compare_paired(wrong, right)
    assert found is not None
    assert reverse is not None
    assert (found.interval or (0, 0))[1] == 1
    assert (reverse.interval or (0, 0))[0] == -1


def test_an_unbounded_score_allows_for_another_patient_with_the_largest_difference() -> None:
    rng = np.random.default_rng(8)
    first, second = rng.gamma(2, 10, 30), rng.gamma(2, 12, 30)
    found = compare_paired(means(first), means(second), (0.0, math.inf))
    scaled = compare_paired(means(first / 10), means(second / 10), (0.0, math.inf))
    assert found is not None
    assert scaled is not None
    largest = np.abs(first - second).max()
    difference = np.append(first - second, largest)
    high = difference.mean() + stats.t.ppf(0.975, 29) * difference.std(ddof=1) / math.sqrt(31)
    assert (found.interval or (0, 0))[1] == pytest.approx(high)
    assert (scaled.interval or (0, 0))[1] == pytest.approx(high / 10)


def simulated(rng: np.random.Generator, spread: float, seeds: int) -> list[list[Ratio]]:
    """Two arms of one architecture: Dice of 40 patients, with a shift for each seed."""
    difficulty = rng.normal(0, 1, 40)
    arms = []
    for _ in range(2):
        shifts = rng.normal(0, spread, (seeds, 1))
        logits = 1.5 + shifts + difficulty + rng.normal(0, 0.4, (seeds, 40))
        arms.append(means(*(1 / (1 + np.exp(-logits)))))
    return arms


@pytest.mark.parametrize(("spread", "seeds"), [(0.0, 1), (0.0, 3), (0.3, 3)])
def test_networks_that_do_not_differ_are_seldom_told_apart(spread: float, seeds: int) -> None:
    rng = np.random.default_rng(9)
    shown = 0
    for _ in range(200):
        first, second = simulated(rng, spread, seeds)
        found = compare_paired(first, second)
        assert found is not None
        shown += found.sign_shown(found.p) != 0
    assert shown <= 0.05 * 200


def test_networks_that_differ_are_told_apart() -> None:
    rng = np.random.default_rng(10)
    shown = 0
    for _ in range(50):
        first, second = simulated(rng, 0.05, 3)
        worse = [Ratio(0.9 * ratio.numerators, ratio.denominators) for ratio in second]
        found = compare_paired(first, worse)
        assert found is not None
        shown += found.sign_shown(found.p) == 1
    assert shown >= 45


@pytest.mark.parametrize(
    ("interval", "rank_sign", "p", "objection"),
    [
        ((-0.1, 0.3), 1, 0.01, ": the interval includes 0"),
        ((0.1, 0.3), -1, 0.01, ": ranks and mean disagree"),
        ((0.1, 0.3), 1, 0.01, ""),
        ((-0.1, 0.3), 1, 0.06, ""),
        ((-0.1, 0.3), 1, None, ""),
    ],
)
def test_a_small_p_that_shows_nothing_says_why(
    interval: tuple[float, float], rank_sign: int, p: float | None, objection: str
) -> None:
    difference = Difference(0.1, interval, 12, 12, 0.01, None, rank_sign)
    assert difference.objection(p) == objection
