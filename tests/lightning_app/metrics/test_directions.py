"""The direction of each logged score."""

import pytest

from lightning_app.metrics.count_scores import SCORES
from lightning_app.metrics.directions import higher_is_better


@pytest.mark.parametrize(
    ("logged", "higher"),
    [
        ("val/dice", True),
        ("val/core/recall", True),
        ("val/volume_error", False),
        ("val/loss", False),
        ("train/loss", False),
        ("val/mine", None),
        ("dice", None),
        ("my/dice", None),
        ("", None),
    ],
)
def test_the_direction_of_a_logged_score(logged: str, higher: bool | None) -> None:
    assert higher_is_better(logged) is higher


def test_every_score_has_its_own_direction() -> None:
    assert all(higher_is_better(f"val/{score.name}") is score.higher_is_better for score in SCORES)
