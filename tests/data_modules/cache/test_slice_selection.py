import numpy as np
import pytest
from numpy.typing import NDArray

from data_modules.cache.slice_selection import (
    _REFERENCE_RULES,
    SliceChoice,
    by_depth,
    by_labels,
    uses_reference,
    with_brain,
)
from data_modules.utils.errors import DataError

WHOLE, CORE, ENHANCING = (1, 2, 3), (1, 3), (3,)


def volume(*slices: str) -> NDArray[np.uint8]:
    """Labels of slices of one row, such as "0012"."""
    return np.array([[[int(pixel) for pixel in row]] for row in slices], np.uint8)


@pytest.mark.parametrize(("depth", "middle"), [(155, 77), (4, 2), (3, 1), (2, 1), (1, 0)])
def test_the_middle_slice_is_half_the_depth_rounded_down(depth: int, middle: int) -> None:
    labels = np.zeros((depth, 2, 2), np.uint8)
    labels[0] = 3

    np.testing.assert_array_equal(by_depth("middle", depth), [middle])
    np.testing.assert_array_equal(by_labels("middle", labels, WHOLE), [middle])


def test_a_list_of_slices_is_taken_in_rising_order_and_once_each() -> None:
    labels = volume("0000", "0000", "0000", "1111")

    np.testing.assert_array_equal(by_depth([3, 0, 3], 4), [0, 3])
    np.testing.assert_array_equal(by_labels([3, 0, 3], labels, WHOLE), [0, 3])


@pytest.mark.parametrize("index", [-1, 4, 77])
def test_a_slice_outside_the_volume_stops(index: int) -> None:
    with pytest.raises(
        DataError, match=rf"names slice {index}, counted from 0: the volume has 4 slices"
    ):
        by_depth([1, index], 4)


@pytest.mark.parametrize(
    ("target", "largest", "tumour"),
    [(WHOLE, 1, [0, 1, 3, 4]), (CORE, 3, [0, 3, 4]), (ENHANCING, 4, [3, 4])],
)
def test_largest_and_tumour_count_the_target_alone(
    target: tuple[int, ...], largest: int, tumour: list[int]
) -> None:
    labels = volume("1000", "2222", "0000", "1113", "2033")

    np.testing.assert_array_equal(by_labels("largest", labels, target), [largest])
    np.testing.assert_array_equal(by_labels("tumour", labels, target), tumour)


def test_of_slices_with_as_much_target_the_lowest_is_the_largest() -> None:
    labels = volume("0001", "0330", "0033", "1000")

    np.testing.assert_array_equal(by_labels("largest", labels, ENHANCING), [1])


def test_a_case_without_target_has_its_middle_slice_as_largest_and_none_as_tumour() -> None:
    labels = volume("2222", "0000", "0000", "0000", "0000")

    np.testing.assert_array_equal(by_labels("largest", labels, CORE), [2])
    assert by_labels("tumour", labels, CORE).tolist() == []


def test_labels_give_all_the_slices_with_any_label() -> None:
    labels = volume("2000", "0000", "0003", "0000", "1000")

    np.testing.assert_array_equal(by_labels("all", labels, ENHANCING), [0, 2, 4])


def test_depth_one_has_one_slice_whatever_the_rule() -> None:
    labels = volume("0120")
    choices: list[SliceChoice] = ["middle", "largest", "tumour", "all", [0]]

    assert all(by_labels(choice, labels, WHOLE).tolist() == [0] for choice in choices)


def test_depth_does_not_decide_the_rules_that_look_at_voxels() -> None:
    for choice in ("largest", "tumour", "all"):
        assert by_depth(choice, 5) is None


def test_a_slice_has_brain_from_a_thousandth_of_its_pixels_on() -> None:
    brain = np.zeros((4, 50, 40), bool)
    brain[1, 0, 0] = True  # 1 of 2000: a stray voxel
    brain[2, 0, :2] = True  # 2 of 2000
    brain[3] = True

    np.testing.assert_array_equal(with_brain(brain), [2, 3])


def test_only_largest_and_tumour_look_at_the_truth() -> None:
    assert set(_REFERENCE_RULES) == {"largest", "tumour"}
    assert uses_reference("largest")
    assert uses_reference("tumour")
    assert not uses_reference("middle")
    assert not uses_reference("all")
    assert not uses_reference([1, 2])
