"""What a score declares, and what it may return."""

from collections.abc import Callable
from typing import Literal

import numpy as np
import pytest

from lightning_app.metrics.count_scores import SCORES
from lightning_app.metrics.count_table import CountTable
from lightning_app.metrics.evaluate import count_results
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


def test_more_overlap_is_better_and_variants_stay_out_of_the_tables() -> None:
    own = [s for s in SCORES if s.terms.__module__ == "lightning_app.metrics.count_scores"]

    assert {score.better for score in own} == {"higher"}
    assert {score.name for score in own if not score.in_tables} == {
        "dice_slice", "miou_empty0", "miou_empty1",
    }  # fmt: skip


def test_no_two_scores_have_the_same_name() -> None:
    names = [score.name for score in (*SCORES, *VOLUME_SCORES)]
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
