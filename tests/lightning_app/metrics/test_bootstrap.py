import numpy as np
import pytest

from lightning_app.metrics.bootstrap import bootstrap_interval, combined_interval


def test_the_interval_equals_a_plain_bootstrap() -> None:
    rng = np.random.default_rng(0)
    over, under = rng.random(40), 1 + rng.random(40)
    draws = np.random.default_rng(1).integers(40, size=(20_000, 40))
    ratios = over[draws].sum(axis=1) / under[draws].sum(axis=1)

    low, high = bootstrap_interval(over, under, seed=0) or (0, 0)

    expected = np.quantile(ratios, [0.025, 0.975])
    assert [low, high] == pytest.approx(expected, abs=0.05 * (expected[1] - expected[0]))


def test_the_interval_of_a_mean_is_the_textbook_one() -> None:
    values = np.random.default_rng(2).normal(5, 1, 400)

    low, high = bootstrap_interval(values, np.ones(400), seed=0) or (0, 0)

    error = 1.96 * values.std() / np.sqrt(400)
    assert (low, high) == pytest.approx((values.mean() - error, values.mean() + error), abs=0.02)


def test_no_interval_for_few_patients_or_an_undefined_score() -> None:
    assert bootstrap_interval(np.ones(9), np.full(9, 2.0), seed=0) is None
    assert bootstrap_interval(np.zeros(30), np.zeros(30), seed=0) is None


def test_draws_without_a_denominator_are_left_out() -> None:
    over, under = np.zeros(12), np.zeros(12)
    over[0], under[0] = 1, 2  # eleven patients have nothing to count

    assert bootstrap_interval(over, under, seed=0) == (0.5, 0.5)


def test_a_score_that_is_1_for_everyone_has_an_interval_without_width() -> None:
    assert bootstrap_interval(np.ones(12), np.ones(12), seed=0) == (1, 1)


def test_a_difference_of_ratios_draws_the_same_patients_for_both() -> None:
    rng = np.random.default_rng(3)
    over, under = rng.random(40), 1 + rng.random(40)
    better = over + 0.1 * under  # by 0.1 in every draw

    low, high = combined_interval([1, -1], [(better, under), (over, under)], seed=0) or (0, 0)

    assert (low, high) == pytest.approx((0.1, 0.1))


def test_no_interval_where_one_of_the_ratios_is_undefined() -> None:
    defined, undefined = (np.ones(12), np.full(12, 2.0)), (np.zeros(12), np.zeros(12))
    assert combined_interval([1, -1], [defined, undefined], seed=0) is None
