"""What a report compares, and its verdicts. Of the tests themselves: test_paired_tests.py."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from lightning_app.report.load.cohorts import Cohort, cohorts
from lightning_app.report.load.runs import read_runs
from lightning_app.report.tables.comparison_table import comparison_tables
from lightning_app.report.tables.significance import (
    MODALITIES,
    QUESTIONS,
    Comparison,
    Question,
    compare,
)
from lightning_app.report.tables.table import Table
from tests.helpers.runs.toy_runs import ASPP, ATTENTION, SPP, UNET, Sizes, ToyRun, twelve_cases

OVERLAP, EMPTY = QUESTIONS
HIGH = twelve_cases([39, 38, 37, 36, 35, 34, 33, 32, 31, 30, 29, 28])
LOW = twelve_cases([20, 17, 19, 12, 14, 9, 16, 7, 3, 11, 1, 6])  # no two differences are equal


def cohort(root: Path, *runs: ToyRun) -> Cohort:
    for run in runs:
        run.write(root)
    (found,) = cohorts(read_runs(root)[0])
    return found


def pair(root: Path, first: Sizes, second: Sizes) -> Comparison:
    (found,) = compare(cohort(root, ToyRun(first), ToyRun(second, network=ASPP)), OVERLAP)
    return found


def shares(cases: Sizes) -> list[float]:
    """With 40 true and 40 predicted pixels, the Dice of a case is its common pixels over 40."""
    return [common / 40 for _, _, common in cases.values()]


def with_empty(marked: Sequence[int]) -> dict[str, tuple[int, int, int]]:
    """Twelve equal cases with tumour, and cases without in which so many pixels are marked."""
    empty = {f"E{i:02d}-000": (0, pixels, 0) for i, pixels in enumerate(marked)}
    return twelve_cases([30] * 12) | empty


def test_a_pair_of_networks(tmp_path: Path) -> None:
    found = pair(tmp_path, HIGH, LOW)

    difference = found.difference
    assert difference is not None
    assert difference.value == pytest.approx(np.mean(shares(HIGH)) - np.mean(shares(LOW)))
    expected = stats.wilcoxon(shares(HIGH), shares(LOW), method="exact").pvalue
    assert difference.p == found.holm_p == pytest.approx(expected)
    assert found.better is not None
    assert found.better.network == UNET
    assert found.verdict == "these UNet weights are better at overlap"


def test_the_better_one_may_come_second(tmp_path: Path) -> None:
    found = pair(tmp_path, LOW, HIGH)
    assert found.verdict == "these Attention UNet + ASPP weights are better at overlap"


def test_four_of_twelve_patients_that_differ_show_nothing(tmp_path: Path) -> None:
    gains = twelve_cases([39, 38, 37, 36, *[30] * 8])
    found = pair(tmp_path, gains, twelve_cases([30] * 12))
    assert found.difference is not None
    assert found.difference.differing == 4
    assert found.holm_p == pytest.approx(0.125)
    assert found.verdict == "no difference in overlap shown"


def test_cases_without_tumour_do_not_count_for_overlap(tmp_path: Path) -> None:
    # A marked pixel on each of eleven empty cases would outweigh twelve slightly better masks.
    first = twelve_cases([31 + i % 3 for i in range(12)]) | {
        f"E{i:02d}-000": (0, 1, 0) for i in range(11)
    }
    group = cohort(tmp_path, ToyRun(first), ToyRun(with_empty([0] * 11), network=ASPP))

    (overlap,), (empty,) = compare(group, OVERLAP), compare(group, EMPTY)
    assert overlap.verdict == "these UNet weights are better at overlap"
    assert empty.verdict == "these Attention UNet + ASPP weights are better at empty slices"
    assert overlap.difference is not None
    assert empty.difference is not None
    assert (overlap.difference.patients, empty.difference.patients) == (12, 11)
    assert empty.difference.value == -1
    assert empty.difference.p == pytest.approx(2 / 2**11)


def test_two_scans_of_a_patient_count_as_one(tmp_path: Path) -> None:
    twice = {f"P{i // 2:02d}-00{i % 2}": sizes for i, sizes in enumerate(HIGH.values())}
    found = pair(tmp_path, twice, twice)
    assert found.difference is not None
    assert found.difference.patients == 6
    assert found.verdict == "not tested"


def seeds(cases: Sequence[Sizes], network: str = UNET) -> list[ToyRun]:
    names = [f"20260101-000000-{letter * 6}" for letter in "abcdef"]
    return [
        ToyRun(sizes, network=network, seed=seed, name=names[seed])
        for seed, sizes in enumerate(cases)
    ]


def shifted(cases: Sizes, by: int) -> Sizes:
    return {case: (true, both, common + by) for case, (true, both, common) in cases.items()}


def test_seeds_are_averaged_before_they_are_paired(tmp_path: Path) -> None:
    group = cohort(tmp_path, *seeds([HIGH, LOW]), ToyRun(LOW, network=ASPP))
    (found,) = compare(group, OVERLAP)

    high, low = np.array(shares(HIGH)), np.array(shares(LOW))
    assert found.difference is not None
    assert found.difference.value == pytest.approx((high - low).mean() / 2)
    assert found.difference.p == pytest.approx(stats.wilcoxon(high - low, method="exact").pvalue)
    assert found.difference.seeds_p is None
    assert found.verdict == "these UNet weights are better at overlap"


def test_two_seeds_are_not_enough_for_a_verdict_on_networks(tmp_path: Path) -> None:
    runs = [*seeds([HIGH, shifted(HIGH, -1)]), *seeds([LOW, shifted(LOW, 1)], network=ASPP)]
    (found,) = compare(cohort(tmp_path, *runs), OVERLAP)
    assert found.verdict == "these UNet weights are better at overlap"


def test_with_several_seeds_of_both_the_verdict_is_about_the_networks(tmp_path: Path) -> None:
    low = twelve_cases([20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9])
    runs = [*seeds([HIGH, shifted(HIGH, -1), shifted(HIGH, -2)])]
    runs += seeds([low, shifted(low, 1), shifted(low, -1)], network=ASPP)
    (found,) = compare(cohort(tmp_path, *runs), OVERLAP)
    assert found.difference is not None
    assert found.difference.seeds_p is not None
    assert found.verdict == "UNet is better at overlap"


def test_a_difference_as_large_as_that_between_seeds_is_not_shown(tmp_path: Path) -> None:
    # Every patient is better by 2 or 3 pixels in the mean, but each network's seeds differ by 12.
    first = twelve_cases([28 + i % 2 for i in range(12)])
    second = twelve_cases([26] * 12)
    runs = [*seeds([first, shifted(first, 6), shifted(first, -6)])]
    runs += seeds([second, shifted(second, 6), shifted(second, -6)], network=ASPP)
    (found,) = compare(cohort(tmp_path, *runs), OVERLAP)
    assert found.difference is not None
    assert found.difference.p == found.difference.seeds_p
    assert found.difference.p is not None
    assert found.difference.p > 0.5
    assert found.verdict == "no difference in overlap shown"


def test_all_pairs_of_all_modalities_are_corrected_together(tmp_path: Path) -> None:
    shifts = {UNET: 0, ATTENTION: 1, SPP: 2, ASPP: 3}
    runs = [
        ToyRun(
            twelve_cases([2 + shift * (i + 1) for i in range(12)]), network=network, modality=name
        )
        for network, shift in shifts.items()
        for name in ("t1c", "t2f")
    ]
    pairs = compare(cohort(tmp_path, *runs), OVERLAP)

    names = [(p.first.modality, p.first.network, p.second.network) for p in pairs]
    assert len(names) == len(set(names)) == 12
    for found in pairs:  # in each all twelve patients differ, and to the same side
        assert found.difference is not None
        assert found.difference.p == pytest.approx(2 / 2**12)
        assert found.holm_p == pytest.approx(12 * 2 / 2**12)


def test_the_verdict_is_by_the_corrected_p(tmp_path: Path) -> None:
    # Eleven gains and a small loss: p is 0.001, and 28 pairs of networks bring it to 0.03. Eight
    # gains and four losses: p is above 0.01, times 28 above 0.05, though the interval excludes 0.
    base = [20] * 12
    gains = [22, 23, 24, 25, 26, 27, 28, 29, 30, 21, 18, 19]
    alone = pair(tmp_path / "alone", twelve_cases(gains), twelve_cases(base))
    assert alone.holm_p is not None
    assert 0.05 / 28 < alone.holm_p < 0.05
    assert alone.better is not None

    networks = [f"some.Net{i}" for i in range(7)]
    runs = [ToyRun(twelve_cases(gains))]
    runs += [ToyRun(twelve_cases(base), network=network) for network in networks]
    found = compare(cohort(tmp_path / "eight", *runs), OVERLAP)
    assert len(found) == 28
    gained = [p for p in found if UNET in (p.first.network, p.second.network)]
    assert len(gained) == 7
    for comparison in gained:
        assert comparison.difference is not None
        assert comparison.difference.p == alone.holm_p
        assert comparison.holm_p is not None
        assert comparison.holm_p > 0.05
        assert comparison.verdict == "no difference in overlap shown"


def test_a_corrected_p_between_5_and_10_percent_shows_nothing(tmp_path: Path) -> None:
    found = pair(tmp_path, twelve_cases([31, 32, 33, 34, 35, *[30] * 7]), twelve_cases([30] * 12))
    assert found.holm_p == pytest.approx(2 / 2**5)
    assert found.better is None


def table(root: Path, *runs: ToyRun) -> Table:
    return comparison_tables(cohort(root, *runs))[0]


def column(made: Table, key: str) -> list[Any]:
    index = [column.key for column in made.columns].index(key)
    return [row[index] for row in made.rows]


def test_the_table_names_questions_and_says_how_many_tests_were_corrected(tmp_path: Path) -> None:
    marked = [0] * 5 + [9] * 8
    runs = [
        ToyRun(with_empty([0] * 13)),
        ToyRun(with_empty(marked), network=SPP),
        ToyRun(with_empty(marked), network=ASPP),
    ]
    made = table(tmp_path, *runs)
    assert column(made, "question") == ["overlap"] * 3 + ["empty slices"] * 3
    assert column(made, "patients") == [12] * 3 + [13] * 3
    assert column(made, "differing") == [0, 0, 0, 8, 8, 0]
    assert column(made, "verdict")[3:] == [
        "these UNet weights are better at empty slices",
        "these UNet weights are better at empty slices",
        "no difference in empty slices shown",
    ]
    assert "seeds_p" not in [head.key for head in made.columns]
    notes = " ".join(made.notes)
    assert "corrected over the 3 tests of overlap in this table" in notes
    assert "corrected over the 3 tests of empty slices in this table" in notes
    assert "at least 3 seeds" not in notes


def test_a_question_that_no_patients_can_answer_is_a_note(tmp_path: Path) -> None:
    made = table(tmp_path, ToyRun(with_empty([1, 1])), ToyRun(with_empty([0, 0]), network=ASPP))
    assert column(made, "question") == ["overlap"]
    notes = " ".join(made.notes)
    assert "The only test of overlap needs no correction" in notes
    assert "No tests of empty slices: they need at least 10 patients" in notes


def test_a_single_row_has_nothing_to_be_compared_with(tmp_path: Path) -> None:
    assert comparison_tables(cohort(tmp_path, ToyRun(HIGH))) == []


def test_modalities_of_a_network_are_compared_on_the_same_patients(tmp_path: Path) -> None:
    group = cohort(tmp_path, ToyRun(HIGH), ToyRun(LOW, modality="t1c"))
    (made,) = comparison_tables(group)

    assert made.name == "modality_comparisons"
    assert [column(made, key) for key in ("network", "first", "second")] == [
        ["UNet"], ["T1c"], ["FLAIR"],
    ]  # fmt: skip
    (difference,) = column(made, "difference")
    assert difference.value == pytest.approx(np.mean(shares(LOW)) - np.mean(shares(HIGH)))
    expected = stats.wilcoxon(shares(HIGH), shares(LOW), method="exact").pvalue
    assert column(made, "p") == [pytest.approx(expected)]
    assert column(made, "verdict") == ["these FLAIR weights are better at overlap"]


def test_all_pairs_of_modalities_of_all_networks_are_corrected_together(tmp_path: Path) -> None:
    modalities = {"t1c": 0, "t2f": 2, "t2w": 1}
    runs = [
        ToyRun(twelve_cases([2 + shift * (i + 1) for i in range(12)]), network=of, modality=name)
        for of in (UNET, ASPP)
        for name, shift in modalities.items()
    ]
    pairs = compare(cohort(tmp_path, *runs), OVERLAP, MODALITIES)

    assert [(p.first.network, p.first.modality, p.second.modality) for p in pairs] == [
        (network, *names)
        for network in (UNET, ASPP)
        for names in (("t1c", "t2f"), ("t1c", "t2w"), ("t2f", "t2w"))
    ]
    for found in pairs:
        assert found.holm_p == pytest.approx(6 * 2 / 2**12)


def test_modalities_are_not_compared_if_their_networks_have_other_settings(tmp_path: Path) -> None:
    fast, slow = ({"optimizer": {"init_args": {"lr": rate}}} for rate in (0.001, 0.0001))
    runs = [ToyRun(HIGH, settings=fast), ToyRun(LOW, modality="t1c", settings=slow)]
    group = cohort(tmp_path, *runs)

    assert compare(group, OVERLAP, MODALITIES) == []


def test_with_several_seeds_the_verdict_is_about_the_modalities(tmp_path: Path) -> None:
    low = twelve_cases([20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9])
    runs = [*seeds([HIGH, shifted(HIGH, -1), shifted(HIGH, -2)])]
    of_t1c = seeds([low, shifted(low, 1), shifted(low, -1)])
    runs += [replace(run, modality="t1c") for run in of_t1c]
    (found,) = compare(cohort(tmp_path, *runs), OVERLAP, MODALITIES)

    assert found.verdict == "FLAIR is better at overlap"


def test_the_table_shows_the_p_over_seeds_if_there_are_several(tmp_path: Path) -> None:
    runs = [*seeds([HIGH, shifted(HIGH, -1), shifted(HIGH, -2)])]
    runs += seeds([LOW, shifted(LOW, 1), shifted(LOW, 2)], network=ASPP)
    made = table(tmp_path, *runs)
    (seeds_p,) = column(made, "seeds_p")
    assert 0 < seeds_p < 1
    assert "at least 3 seeds" in " ".join(made.notes)


@pytest.mark.parametrize(
    "other",
    [
        {"data": {"fingerprint": "another"}},
        {"data": {"split": "another"}},
        {"data": {"target": "core"}},
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
    assert [compare(group, OVERLAP) for group in groups] == [[], []]


def test_modalities_share_a_group_though_their_fingerprints_differ(tmp_path: Path) -> None:
    group = cohort(tmp_path, ToyRun(HIGH), ToyRun(LOW, modality="t1c"))
    assert group.modalities == ["t1c", "t2f"]
    assert compare(group, OVERLAP) == []


def test_the_direction_of_a_score_decides_who_is_better(tmp_path: Path) -> None:
    group = cohort(tmp_path, ToyRun(HIGH), ToyRun(LOW, network=ASPP))
    reverse = Question("distance", replace(OVERLAP.score, higher_is_better=False))
    (found,) = compare(group, reverse)
    assert found.verdict == "these Attention UNet + ASPP weights are better at distance"
