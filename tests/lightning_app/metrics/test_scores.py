import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix
from torch import Tensor
from torchmetrics.functional.segmentation import dice_score, mean_iou

from lightning_app.metrics.confusion_counts import SliceCounts, count_pixels
from lightning_app.metrics.count_scores import SCORES
from lightning_app.metrics.count_table import CountTable
from lightning_app.metrics.evaluate import (
    accuracy_of_nothing,
    case_dice,
    count_results,
    evaluate,
    monitored_dice,
)


def table(
    counts: list[list[int]], cases: str | list[str], patients: str | list[str] | None = None
) -> CountTable:
    """A table of one class; a letter a slice names its case."""
    return CountTable(
        classes=("whole",),
        cases=list(cases),
        patients=list(patients or cases),
        slices=list(range(len(counts))),
        counts=np.array(counts, np.int64)[:, None, :],
    )


def random_masks(seed: int, slices: int = 6, classes: int = 2) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    shape = (slices, classes, 9, 7)
    prediction, truth = (torch.rand(shape, generator=generator) > 0.6 for _ in range(2))
    truth[0] = False  # a slice without target
    prediction[:2] = False  # and one that is right about it
    return prediction, truth


def counted(prediction: Tensor, truth: Tensor, batch: int = 100) -> NDArray[np.int64]:
    metric = SliceCounts()
    samples = torch.arange(len(prediction))
    for part in samples.chunk(-(-len(samples) // batch)):
        metric.update(prediction[part], truth[part], part)
    rows: NDArray[np.int64] = metric.compute().numpy()
    return rows[:, 1:].reshape(len(prediction), -1, 4)


def random_table(seed: int) -> tuple[CountTable, Tensor, Tensor]:
    prediction, truth = random_masks(seed)
    cases = ["a", "a", "b", "c", "c", "c"]
    made = CountTable(("one", "two"), cases, cases, list(range(6)), counted(prediction, truth))
    return made, prediction, truth


# Counting -----------------------------------------------------------------------------------------


def test_counts_equal_scikit_learn() -> None:
    prediction, truth = random_masks(0)
    counts = counted(prediction, truth)
    for slice_, class_ in np.ndindex(6, 2):
        matrix = confusion_matrix(
            truth[slice_, class_].flatten(), prediction[slice_, class_].flatten(), labels=[0, 1]
        )
        (tn, fp), (fn, tp) = matrix.tolist()
        assert counts[slice_, class_].tolist() == [tp, fp, fn, tn]


@pytest.mark.parametrize("size", [(240, 240), (32, 48), (5, 7), (1, 1)])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_pixels_are_counted_as_numpy_counts_them(size: tuple[int, int], share: float) -> None:
    mask = np.random.default_rng(0).random((3, 2, *size)) < share
    mirrored = torch.from_numpy(mask).flip(3).transpose(0, 1)
    assert np.array_equal(count_pixels(torch.from_numpy(mask)), np.count_nonzero(mask, (2, 3)))
    assert np.array_equal(count_pixels(mirrored).T, np.count_nonzero(mask, (2, 3)))


def test_counts_do_not_depend_on_batches_or_their_order() -> None:
    prediction, truth = random_masks(1)
    whole = counted(prediction, truth)
    metric = SliceCounts()
    for index in (4, 0, 5, 2, 1, 3):
        metric.update(prediction[[index]], truth[[index]], torch.tensor([index]))

    assert np.array_equal(counted(prediction, truth, batch=4), whole)
    assert metric.compute()[:, 0].tolist() == [0, 1, 2, 3, 4, 5]
    assert np.array_equal(metric.compute().numpy()[:, 1:].reshape(6, 2, 4), whole)


def test_a_slice_counted_twice_is_an_error() -> None:
    metric = SliceCounts()
    prediction, truth = random_masks(2)
    metric.update(prediction, truth, torch.tensor([0, 1, 2, 3, 4, 2]))

    with pytest.raises(RuntimeError, match="twice"):
        metric.compute()


# Scores, by hand ----------------------------------------------------------------------------------

# Each slice as tp, fp, fn, tn; two slices of case a, two of b, one of c.
BY_HAND = table(
    [[6, 2, 1, 11], [0, 0, 0, 20], [0, 5, 0, 15], [0, 0, 4, 16], [0, 0, 0, 20]], "aabbc"
)


@pytest.mark.parametrize(
    ("score", "value"),
    [
        ("dice", 12 / (12 + 7 + 5)),
        ("iou", 6 / (6 + 7 + 5)),
        ("miou", (6 / 9 + 0 + 0) / 3),
        ("accuracy", (6 + 82) / 100),
        ("precision", 6 / 13),
        ("recall", 6 / 11),
        ("specificity", 82 / 89),
        ("dice_case", (12 / 15 + 0 + 1) / 3),
        ("dice_case_tumour", (12 / 15 + 0) / 2),
        ("empty_right", 2 / 3),
        ("dice_slice", (12 / 15 + 0 + 0) / 3),
        ("miou_empty0", (6 / 9) / 5),
        ("miou_empty1", (6 / 9 + 1 + 1) / 5),
    ],
)
def test_a_score_by_hand(score: str, value: float) -> None:
    assert evaluate(BY_HAND)["whole"][score] == pytest.approx(value, abs=1e-12)


def test_every_score_has_been_worked_out_by_hand() -> None:
    names = test_a_score_by_hand.pytestmark[0].args[1]  # type: ignore[attr-defined]
    own = {s.name for s in SCORES if s.terms.__module__ == "lightning_app.metrics.count_scores"}
    assert {name for name, _ in names} == own


def test_nothing_to_find_and_nothing_found_leaves_dice_undefined() -> None:
    scores = evaluate(table([[0, 0, 0, 20]], "a"))["whole"]

    undefined = {name for name, value in scores.items() if value is None}
    assert undefined == {
        "dice", "iou", "miou", "precision", "recall", "dice_case_tumour", "dice_slice",
    }  # fmt: skip
    assert scores["dice_case"] == scores["empty_right"] == scores["accuracy"] == 1


def test_predicting_nothing_is_accurate() -> None:
    assert accuracy_of_nothing(BY_HAND) == {"whole": pytest.approx(89 / 100)}


def test_the_dice_of_cases() -> None:
    assert case_dice(BY_HAND.by_case()).tolist() == [[pytest.approx(12 / 15)], [0], [1]]


# Scores, against torchmetrics and scikit-learn ----------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_pooled_dice_equals_torchmetrics(seed: int) -> None:
    made, prediction, truth = random_table(seed)
    # One image that holds all slices side by side: pooling by another road.
    predicted, true = (
        masks.permute(1, 0, 2, 3).reshape(1, 2, -1, 7).long() for masks in (prediction, truth)
    )
    expected = dice_score(
        predicted,
        true,
        num_classes=2,
        include_background=True,
        average="none",
        input_format="one-hot",
    )
    for index, name in enumerate(made.classes):
        assert evaluate(made)[name]["dice"] == pytest.approx(float(expected[0, index]), rel=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_miou_equals_torchmetrics_where_slices_are_not_empty(seed: int) -> None:
    made, prediction, truth = random_table(seed)
    expected = mean_iou(
        prediction[2:].long(), truth[2:].long(), num_classes=2, include_background=True,
        per_class=True, input_format="one-hot",
    )  # fmt: skip
    kept = CountTable(made.classes, list("bccc"), list("bccc"), [0] * 4, made.counts[2:])
    for index, name in enumerate(made.classes):
        value = evaluate(kept)[name]["miou"]
        assert value == pytest.approx(float(expected[:, index].mean()), rel=1e-6)


# The monitored score ------------------------------------------------------------------------------


def two_classes(one: list[int], two: list[int]) -> CountTable:
    return CountTable(("one", "two"), ["a"], ["a"], [0], np.array([[one, two]], np.int64))


def test_the_monitor_is_the_mean_of_dice_over_classes() -> None:
    value = monitored_dice(two_classes([3, 1, 0, 6], [1, 0, 4, 5]))
    assert value == pytest.approx((6 / 7 + 2 / 6) / 2)


def test_a_class_that_the_truth_lacks_cannot_make_the_monitor_undefined_or_flatter_it() -> None:
    right = two_classes([3, 1, 0, 6], [0, 0, 0, 10])
    wrong = two_classes([3, 1, 0, 6], [0, 4, 0, 6])

    assert monitored_dice(right) == monitored_dice(wrong) == pytest.approx(6 / 7)
    assert monitored_dice(two_classes([0, 0, 0, 10], [0, 0, 0, 10])) == 0


# Intervals ----------------------------------------------------------------------------------------


def many_patients(count: int, per_patient: int = 1) -> CountTable:
    rng = np.random.default_rng(5)
    counts = rng.integers(1, 50, (count * per_patient, 4)).tolist()
    patients = [f"p{index // per_patient}" for index in range(count * per_patient)]
    return table(counts, [f"c{index}" for index in range(len(counts))], patients)


def test_intervals_contain_the_value_and_do_not_vary() -> None:
    made = many_patients(30)
    first, second = (count_results(made)["whole"] for _ in range(2))
    contained = []
    for name, result in first.items():
        if result.value is not None and result.interval is not None:
            low, high = result.interval
            contained.append(low < result.value < high)
            assert second[name].interval == result.interval
    assert contained
    assert all(contained)


def test_a_mean_over_cases_is_not_taken_for_a_pooled_score() -> None:
    # All 12 cases are right. Pooled, nothing varies; a mean may still meet a case that is wrong.
    made = table([[10, 0, 0, 90]] * 12, "abcdefghijkl")
    results = count_results(made)["whole"]
    averaged = {name for name, result in results.items() if result.interval is not None}
    assert averaged == {
        "miou", "dice_case", "dice_case_tumour", "dice_slice", "miou_empty0", "miou_empty1",
    }  # fmt: skip


def test_fewer_than_ten_patients_have_no_interval_however_many_cases() -> None:
    made = many_patients(9, per_patient=3)
    assert all(r.interval is None for r in count_results(made)["whole"].values())


def test_two_scans_of_a_patient_are_drawn_together() -> None:
    # The same counts twice: as 20 patients the interval is narrower than as 10 with two scans.
    ten = many_patients(10)
    counts = ten.counts[:, 0].tolist() * 2
    twenty = table(counts, [f"c{i}" for i in range(20)])
    pairs = table(counts, [f"c{i}" for i in range(20)], [f"p{i % 10}" for i in range(20)])

    def width(made: CountTable) -> float:
        interval = count_results(made)["whole"]["dice"].interval
        assert interval is not None
        return interval[1] - interval[0]

    assert width(pairs) == pytest.approx(width(ten), rel=0.05)
    assert width(twenty) == pytest.approx(width(ten) / math.sqrt(2), rel=0.1)
