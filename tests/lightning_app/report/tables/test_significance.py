"""Paired tests, against numbers worked out by hand and against SciPy."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from lightning_app.report.load.cohorts import Cohort, cohorts
from lightning_app.report.load.runs import read_runs
from lightning_app.report.tables.significance import Comparison, compare, holm, signed_rank_p
from tests.helpers.toy_runs import ASPP, ATTENTION, SPP, UNET, Sizes, ToyRun, twelve_cases

HIGH = twelve_cases([39, 38, 37, 36, 35, 34, 33, 32, 31, 30, 29, 28])
LOW = twelve_cases([20, 17, 19, 12, 14, 9, 16, 7, 3, 11, 1, 6])  # no two differences are equal


def cohort(root: Path, *runs: ToyRun) -> Cohort:
    for run in runs:
        run.write(root)
    (found,) = cohorts(read_runs(root)[0])
    return found


def pair(root: Path, first: Sizes, second: Sizes) -> Comparison:
    (found,) = compare(cohort(root, ToyRun(first), ToyRun(second, network=ASPP)), "t2f", 0)
    return found


def test_holm_as_worked_out_by_hand() -> None:
    # Sorted 0.005, 0.01, 0.03, 0.04, times 4, 3, 2, 1: 0.02, 0.03, 0.06, 0.04; never falling.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([None, 0.04, None, 0.01]) == [None, 0.04, None, 0.02]
    assert holm([]) == []


def test_the_signed_rank_test_as_tabled() -> None:
    # All ten differences of one sign: 2 of the 2**10 signings are as extreme.
    assert signed_rank_p(np.arange(1.0, 11)) == pytest.approx(2 / 2**10)
    assert signed_rank_p(np.arange(1.0, 10)) is None
    assert signed_rank_p(np.zeros(12)) == 1


def test_a_pair_of_networks(tmp_path: Path) -> None:
    found = pair(tmp_path, HIGH, LOW)

    # 40 true and 40 predicted pixels: the Dice of a case is its common pixels over 40.
    high = np.array([sizes[2] for sizes in HIGH.values()]) / 40
    low = np.array([sizes[2] for sizes in LOW.values()]) / 40
    assert found.case_difference == pytest.approx((high - low).mean())
    assert found.p == pytest.approx(stats.wilcoxon(high, low, method="exact").pvalue)
    assert found.holm_p == found.p
    assert found.dice_difference.value == pytest.approx(high.mean() - low.mean())
    draws = np.random.default_rng(5).integers(12, size=(20_000, 12))
    expected = np.quantile((high - low)[draws].mean(axis=1), [0.025, 0.975])
    assert found.dice_difference.interval == pytest.approx(expected, abs=0.005)
    assert found.better is not None
    assert found.better.network == UNET


def test_the_better_one_may_come_second(tmp_path: Path) -> None:
    found = pair(tmp_path, LOW, HIGH)
    assert found.case_difference < 0
    assert found.better is not None
    assert found.better.network == ASPP


def test_nothing_is_claimed_where_only_one_of_the_two_holds(tmp_path: Path) -> None:
    # All but one case are a little better; one large tumour is so much worse that pooled Dice is.
    first = {f"P{i:02d}-000": (40, 40, 20 + i) for i in range(11)} | {"P11-000": (200, 200, 150)}
    second = {f"P{i:02d}-000": (40, 40, 18 + i // 2) for i in range(11)} | {
        "P11-000": (200, 200, 200)
    }
    found = pair(tmp_path, first, second)
    assert found.holm_p is not None
    assert found.holm_p < 0.05
    assert found.dice_difference.interval is not None
    assert found.dice_difference.interval[0] < 0 < found.dice_difference.interval[1]
    assert found.better is None


def test_two_scans_of_a_patient_count_as_one(tmp_path: Path) -> None:
    twice = {f"P{i // 2:02d}-00{i % 2}": sizes for i, sizes in enumerate(HIGH.values())}
    found = pair(tmp_path, twice, twice)
    assert found.patients == 6
    assert found.p is None
    assert found.dice_difference.interval is None
    assert found.better is None


def test_seeds_are_averaged_before_they_are_paired(tmp_path: Path) -> None:
    group = cohort(
        tmp_path,
        ToyRun(HIGH, seed=0),
        ToyRun(LOW, seed=1, name="20260101-000000-bbbbbb"),
        ToyRun(LOW, network=ASPP),
    )
    (found,) = compare(group, "t2f", 0)

    high = np.array([sizes[2] for sizes in HIGH.values()]) / 40
    low = np.array([sizes[2] for sizes in LOW.values()]) / 40
    assert found.case_difference == pytest.approx(((high + low) / 2 - low).mean())
    assert found.p == pytest.approx(stats.wilcoxon((high - low) / 2, method="exact").pvalue)
    assert found.dice_difference.value == pytest.approx((high - low).mean() / 2)
    draws = np.random.default_rng(5).integers(12, size=(20_000, 12))
    expected = np.quantile((high - low)[draws].mean(axis=1) / 2, [0.025, 0.975])
    assert found.dice_difference.interval == pytest.approx(expected, abs=0.004)


def test_four_networks_are_six_pairs_corrected_together(tmp_path: Path) -> None:
    shifts = {UNET: 0, ATTENTION: 1, SPP: 2, ASPP: 3}
    runs = [
        ToyRun(twelve_cases([2 + shift * (i + 1) for i in range(12)]), network=network)
        for network, shift in shifts.items()
    ]
    pairs = compare(cohort(tmp_path, *runs), "t2f", 0)

    names = [(found.first.network, found.second.network) for found in pairs]
    assert len(names) == len(set(names)) == 6
    for found in pairs:  # in each all twelve patients differ, and to the same side
        assert found.p == pytest.approx(2 / 2**12)
        assert found.holm_p == pytest.approx(6 * 2 / 2**12)


@pytest.mark.parametrize(
    "other",
    [
        {"data": {"fingerprint": "another"}},
        {"data": {"split": "another"}},
        {"data": {"target": "core"}},
        {"data": {"slices": "largest"}},
        {"data": {"eval_slices": "largest"}},
        {"data": {"kind": "files"}},
        {"cases": {f"Q{i:02d}-000": sizes for i, sizes in enumerate(LOW.values())}},
    ],
)
def test_what_was_tested_on_something_else_is_never_paired(
    other: dict[str, Any], tmp_path: Path
) -> None:
    ToyRun(HIGH).write(tmp_path)
    ToyRun(**{"cases": LOW, "network": ASPP, **other}).write(tmp_path)

    groups = cohorts(read_runs(tmp_path)[0])
    assert [len(group.runs) for group in groups] == [1, 1]
    assert [compare(group, "t2f", 0) for group in groups] == [[], []]


def test_modalities_share_a_group_though_their_fingerprints_differ(tmp_path: Path) -> None:
    group = cohort(tmp_path, ToyRun(HIGH), ToyRun(LOW, modality="t1c"))
    assert group.modalities == ["t1c", "t2f"]
    assert compare(group, "t1c", 0) == []
