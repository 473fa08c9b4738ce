"""Operations on small masks, by hand."""

import numpy as np
import pytest

from lightning_app.postprocessing.operations import (
    LargestComponent,
    Masks,
    Operation,
    SmallEnhancingToCore,
    SmallestComponent,
)
from lightning_app.postprocessing.postprocessing import Postprocessing

UNIT = (1.0, 1.0, 1.0)
FLAT = (5.0, 0.5, 0.5)  # a voxel of 1.25 mm^3
REGIONS = ("whole", "core", "enhancing")
LABELS = ("necrotic", "oedema", "enhancing")


def row(text: str) -> Masks:
    """The masks of one line of voxels: a word for each class, x for a voxel of it."""
    return np.array([[[[letter == "x" for letter in word]]] for word in text.split()])


def text(masks: Masks) -> str:
    return " ".join("".join("x" if v else "." for v in mask[0, 0]) for mask in masks)


@pytest.mark.parametrize(
    ("mm3", "spacing", "before", "after"),
    [
        (2, UNIT, "x.xx.xxx", "..xx.xxx"),
        (3, UNIT, "x.xx.xxx", ".....xxx"),
        (2.5, FLAT, "x.xx.xxx", "..xx.xxx"),
        (2.6, FLAT, "x.xx.xxx", ".....xxx"),
        (4, UNIT, "x.xx.xxx", "........"),
        (2, UNIT, "x.xx xx.x", "..xx xx.."),
        (2, UNIT, "....", "...."),
    ],
)
def test_components_below_a_volume_are_removed_from_each_class(
    mm3: float, spacing: tuple[float, float, float], before: str, after: str
) -> None:
    masks = row(before)
    classes = REGIONS[: len(masks)]
    assert text(SmallestComponent(mm3).apply(masks, classes, spacing)) == after
    assert text(masks) == before


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x.xx.xxx", ".....xxx"),
        ("xx.x.xx.", "xx......"),  # the first of equals
        ("xxx.xx xx..xx", "xxx... xx...."),  # all classes joined decide, and each is cut
        ("x...xxx .x..xx.", "....xxx ....xx."),
        ("xx..x.. ..x.... ...x...", "xx..x.. ..x.... ...x..."),
        ("....", "...."),
    ],
)
def test_the_largest_component_of_all_classes_stays(before: str, after: str) -> None:
    masks = row(before)
    classes = REGIONS[: len(masks)]
    assert text(LargestComponent().apply(masks, classes, UNIT)) == after


def test_voxels_that_touch_at_a_corner_are_one_component() -> None:
    masks = np.zeros((1, 3, 3, 3), np.bool_)
    masks[0, 0, 0, 0] = masks[0, 1, 1, 1] = masks[0, 2, 2, 2] = True
    assert SmallestComponent(3).apply(masks, ("whole",), UNIT).sum() == 3


@pytest.mark.parametrize(
    ("classes", "mm3", "before", "after"),
    [
        (REGIONS, 3, "xxxxxx .xxx.. ..xx..", "xxxxxx .xxx.. ......"),
        (REGIONS, 2, "xxxxxx .xxx.. ..xx..", "xxxxxx .xxx.. ..xx.."),
        (REGIONS, 3, "xxxxxx .x.... ..xx..", "xxxxxx .xxx.. ......"),
        (LABELS, 3, "x..... .x.... ..xx..", "x.xx.. .x.... ......"),
        (("enhancing",), 3, "..xx..", "......"),
        (("enhancing",), 2, "..xx..", "..xx.."),
        (("enhancing",), 2, "......", "......"),
    ],
)
def test_little_enhancing_tumour_becomes_core(
    classes: tuple[str, ...], mm3: float, before: str, after: str
) -> None:
    masks = row(before)
    assert text(SmallEnhancingToCore(mm3).apply(masks, classes, UNIT)) == after
    assert text(masks) == before


def test_enhancing_tumour_is_measured_in_mm() -> None:
    masks = row("..xx")
    few, enough = (
        SmallEnhancingToCore(mm3).apply(masks, ("enhancing",), FLAT) for mm3 in (2.6, 2.5)
    )
    assert (few.sum(), enough.sum()) == (0, 2)


def test_operations_follow_one_another() -> None:
    """Little enhancing tumour is left once the small component is gone, and only then."""
    masks, classes = row("xxxxxxx xx.xxxx xx.xxxx"), REGIONS
    small, little = SmallestComponent(3), SmallEnhancingToCore(5)
    assert text(Postprocessing().then(small).then(little).apply(masks, classes, UNIT)) == (
        "xxxxxxx ...xxxx ......."
    )
    assert text(Postprocessing().then(little).then(small).apply(masks, classes, UNIT)) == (
        "xxxxxxx ...xxxx ...xxxx"
    )


@pytest.mark.parametrize(
    "operation", [SmallestComponent(3), LargestComponent(), SmallEnhancingToCore(30)]
)
def test_the_place_of_masks_in_a_volume_does_not_matter(operation: Operation) -> None:
    rng = np.random.default_rng(0)
    masks = rng.random((3, 4, 5, 6)) < 0.03
    wide = np.pad(masks, ((0, 0), (2, 3), (1, 4), (3, 0)))
    changed = Postprocessing(operations=(operation,)).apply(wide, REGIONS, UNIT)
    expected = operation.apply(masks, REGIONS, UNIT)
    np.testing.assert_array_equal(changed[:, 2:6, 1:6, 3:9], expected)
    assert changed.sum() == expected.sum()
    assert not np.array_equal(expected, masks)
