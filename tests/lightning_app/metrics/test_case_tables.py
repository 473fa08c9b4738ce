"""From the masks of cases to counts of slices and scores of volumes."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from lightning_app.metrics.case_masks import CaseMasks, ClassMasks, VolumeTable
from lightning_app.metrics.case_tables import case_tables, score_case
from lightning_app.metrics.confusion_counts import SliceCounts
from lightning_app.metrics.count_table import CountTable
from lightning_app.metrics.evaluate import volume_results, volume_terms
from lightning_app.metrics.score import VolumeScore
from lightning_app.utils.errors import UsageError

CLASSES = ("whole", "core")
SPACING = (5.0, 1.0, 2.0)


def masks(seed: int, slices: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    rng = np.random.default_rng(seed)
    prediction, reference = rng.random((2, slices, len(CLASSES), 6, 8)) < 0.4
    return prediction, reference


def case(name: str, slices: Sequence[int], seed: int) -> CaseMasks:
    prediction, reference = masks(seed, len(slices))
    return CaseMasks(name, name[:1], slices, prediction, reference, SPACING)


def use_score(monkeypatch: pytest.MonkeyPatch, score: VolumeScore) -> None:
    """Make a score the only volume score."""
    monkeypatch.setattr("lightning_app.metrics.case_tables.VOLUME_SCORES", (score,))


def tables(
    cases: Sequence[CaseMasks], classes: Sequence[str] = CLASSES
) -> tuple[CountTable, VolumeTable]:
    return case_tables([score_case(case, classes) for case in cases], classes)


def test_counts_are_those_of_the_metric_of_validation() -> None:
    cases = [case("a0", [3, 4, 5], 0), case("b0", [7], 1)]
    table, _ = tables(cases)
    metric = SliceCounts()
    for index, one in enumerate(cases):
        samples = torch.arange(len(one.slices)) + 3 * index
        metric.update(torch.from_numpy(one.prediction), torch.from_numpy(one.reference), samples)

    assert np.array_equal(table.counts.reshape(4, -1), metric.compute()[:, 1:].numpy())
    assert table.cases == ["a0", "a0", "a0", "b0"]
    assert table.patients == ["a", "a", "a", "b"]
    assert table.slices == [3, 4, 5, 7]


def test_a_score_gets_the_whole_stack_of_a_case_with_its_spacing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[ClassMasks] = []

    def look(volume: ClassMasks) -> float:
        seen.append(volume)
        return 1.0

    score = VolumeScore(name="seen", definition="", compute=look, higher_is_better=True)
    stack = case("a0", [3, 4, 6], 0)
    use_score(monkeypatch, score)
    tables([stack])

    assert len(seen) == len(CLASSES)
    for index, volume in enumerate(seen):
        assert volume.spacing == SPACING
        assert volume.prediction.shape == volume.reference.shape == (4, 6, 8)
        assert np.array_equal(volume.prediction[[0, 1, 3]], stack.prediction[:, index])
        assert np.array_equal(volume.reference[[0, 1, 3]], stack.reference[:, index])
        assert not volume.prediction[2].any()
        assert not volume.reference[2].any()


def test_volume_scores_by_hand() -> None:
    prediction, reference = np.zeros((2, 2, 1, 4, 4), np.bool_)
    prediction[:, 0, :2, :2] = True  # 8 voxels
    reference[0, 0, :2] = True  # 8 voxels, 4 of them predicted
    reference[1, 0, 3] = True  # 4 voxels
    empty = np.zeros_like(prediction)
    cases = [
        CaseMasks("a0", "a", [0, 1], prediction, reference, SPACING),
        CaseMasks("b0", "b", [0, 1], empty, empty, SPACING),
    ]
    _, volumes = tables(cases, ("whole",))

    assert volumes.values["volume_error"][:, 0] == pytest.approx([4 * 10 / 1000, 0])


def test_the_summary_is_the_mean_over_cases_that_have_a_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = iter([2.0, 9.0, None, 9.0, 4.0, 9.0])  # the second class has all its values
    score = VolumeScore(
        name="some", definition="", compute=lambda _: next(values), higher_is_better=False
    )
    cases = [case(name, [0], seed) for seed, name in enumerate(("a0", "a1", "b0"))]
    use_score(monkeypatch, score)
    _, volumes = tables(cases)

    result = volume_results(volumes, [score])["whole"]["some"]
    assert (result.value, result.n) == (3, 2)
    numerators, denominators = volume_terms(volumes, 0, score)
    assert (numerators.tolist(), denominators.tolist()) == ([2, 4], [1, 1])


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, np.float32(np.nan)])
def test_a_value_that_is_not_finite_is_an_error_with_score_case_and_class(
    value: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = iter([1.0, 1.0, 1.0, value])
    score = VolumeScore(
        name="some", definition="", compute=lambda _: next(values), higher_is_better=False
    )
    use_score(monkeypatch, score)
    with pytest.raises(UsageError) as error:
        tables([case("a0", [0], 0), case("b0", [0], 1)])

    assert str(error.value) == (
        f"volume score 'some' of case b0, class 'core' is {value}, expected a finite number, or "
        "None if it is undefined"
    )
