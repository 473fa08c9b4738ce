"""What a score declares, and what it may return."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

from lightning_app.metrics.case_masks import VolumeTable
from lightning_app.metrics.count_scores import SCORES
from lightning_app.metrics.count_table import CountTable
from lightning_app.metrics.evaluate import count_results, volume_results
from lightning_app.metrics.score import CountScore, Score, VolumeScore
from lightning_app.metrics.volume_scores import VOLUME_SCORES
from lightning_app.utils.errors import UsageError


@pytest.mark.parametrize(("level", "unit"), [("slice", "case a, slice 1"), ("case", "case b")])
def test_a_count_score_that_divides_by_nothing_is_an_error(
    level: Literal["slice", "case"], unit: str
) -> None:
    counts = np.array([[[3, 1, 0, 6]], [[0, 0, 2, 8]], [[0, 0, 4, 6]]])
    made = CountTable(("whole",), ["a", "a", "b"], ["a", "a", "b"], [0, 1, 2], counts)
    with np.errstate(invalid="ignore"):
        score = CountScore(
            name="some", definition="", level=level, higher_is_better=False,
            terms=lambda c: (c.fp / c.predicted, c.pixels),
        )  # fmt: skip
        with pytest.raises(UsageError) as error:
            count_results(made, [score])

    assert str(error.value) == (
        f"score 'some' of {unit}, class 'whole' is nan / 10.0, expected finite numbers, or "
        "0 / 0 if it is undefined"
    )


def test_a_value_out_of_bounds_is_an_error() -> None:
    counts = np.array([[[3, 1, 0, 6]], [[4, 0, 2, 4]]])
    made = CountTable(("whole",), ["a", "b"], ["a", "b"], [0, 1], counts)
    score = CountScore(
        name="growth", definition="", level="case", higher_is_better=True,
        terms=lambda c: (c.reference, c.predicted),
    )  # fmt: skip
    with pytest.raises(UsageError) as error:
        count_results(made, [score])
    assert str(error.value) == (
        "score 'growth' of case b, class 'whole' is 6.0 / 4.0, expected a value in its bounds, "
        "0 to 1"
    )
    unbounded = replace(score, bounds=(0.0, math.inf))
    assert count_results(made, [unbounded])["whole"]["growth"].value == 9 / 8


def test_a_volume_score_out_of_bounds_is_an_error() -> None:
    table = VolumeTable(("whole",), ["a", "b"], ["a", "b"], {"change": np.array([[2.0], [-3.0]])})
    score = VolumeScore(
        name="change", definition="", compute=lambda _: 0, higher_is_better=False, unit="ml"
    )
    with pytest.raises(UsageError) as error:
        volume_results(table, [score])
    assert str(error.value) == (
        "volume score 'change' of case b, class 'whole' is -3, expected a value in its bounds, "
        "0 to inf"
    )
    distant = replace(score, bounds=(0.0, 1.0), may_exceed=True)
    far = VolumeTable(("whole",), ["a", "b"], ["a", "b"], {"change": np.array([[2.0], [0.0]])})
    assert volume_results(far, [distant])["whole"]["change"].value == 1.0
    signed = replace(score, bounds=(-math.inf, math.inf))
    assert volume_results(table, [signed])["whole"]["change"].value == -0.5


def test_a_distance_may_exceed_the_penalty() -> None:
    """In a grid of coarse slices masks may lie farther apart than a head is wide."""
    exceeding = {score.name for score in VOLUME_SCORES if score.may_exceed}
    assert exceeding == {"hd95", "lesion_hd95"}


def test_more_overlap_is_better_and_variants_stay_out_of_the_tables() -> None:
    own = [s for s in SCORES if s.terms.__module__ == "lightning_app.metrics.count_scores"]

    assert {score.better for score in own} == {"higher"}
    assert {score.name for score in own if not score.in_tables} == {
        "dice_slice", "miou_empty1",
    }  # fmt: skip


def test_no_two_scores_of_counts_or_of_volumes_have_the_same_name() -> None:
    for scores in (SCORES, VOLUME_SCORES):
        names = [score.name for score in scores]
        assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    "make",
    [
        lambda: CountScore(  # type: ignore[call-arg]
            name="some", definition="", level="slice", terms=lambda c: (c.tp, c.pixels)
        ),
        lambda: VolumeScore(  # type: ignore[call-arg]
            name="some", definition="", compute=lambda _: 0
        ),
    ],
)
def test_a_score_must_declare_its_direction(make: Callable[[], Score]) -> None:
    with pytest.raises(TypeError, match="higher_is_better"):
        make()
