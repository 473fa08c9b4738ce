import numpy as np
import pytest

from data_modules.io.crop_or_pad import crop_or_pad


def test_padding_by_hand() -> None:
    slices = np.array([[[1, 2], [3, 4]]], np.uint8)

    framed = crop_or_pad(slices, (4, 6))

    expected = np.array(
        [[[0, 0, 0, 0, 0, 0], [0, 0, 1, 2, 0, 0], [0, 0, 3, 4, 0, 0], [0, 0, 0, 0, 0, 0]]]
    )
    np.testing.assert_array_equal(framed, expected)
    assert framed.dtype == np.uint8


def test_cropping_by_hand() -> None:
    slices = np.arange(24).reshape(1, 4, 6)

    np.testing.assert_array_equal(crop_or_pad(slices, (2, 2)), [[[8, 9], [14, 15]]])


def test_the_longer_part_of_an_odd_difference_lies_at_the_end() -> None:
    row = np.array([[1, 2, 3]])

    np.testing.assert_array_equal(crop_or_pad(row, (1, 6)), [[0, 1, 2, 3, 0, 0]])
    np.testing.assert_array_equal(crop_or_pad(np.array([[1, 2, 3, 4, 5, 6]]), (1, 3)), [[2, 3, 4]])


def test_one_axis_may_be_padded_and_the_other_cropped() -> None:
    slices = np.arange(1, 9).reshape(4, 2)

    np.testing.assert_array_equal(crop_or_pad(slices, (2, 4)), [[0, 3, 4, 0], [0, 5, 6, 0]])


def test_padding_may_have_another_value_than_zero() -> None:
    np.testing.assert_array_equal(crop_or_pad(np.ones((1, 1)), (1, 3), fill=-5), [[-5, 1, -5]])


@pytest.mark.parametrize("height", [4, 5, 8, 9])
@pytest.mark.parametrize("width", [6, 7, 11, 12])
def test_framing_to_the_old_size_undoes_padding(height: int, width: int) -> None:
    slices = np.random.default_rng(0).integers(1, 9, (3, 4, 6))

    np.testing.assert_array_equal(crop_or_pad(crop_or_pad(slices, (height, width)), (4, 6)), slices)


@pytest.mark.parametrize("height", [1, 4, 5, 8])
@pytest.mark.parametrize("width", [1, 2, 6, 7])
def test_framing_to_the_old_size_puts_what_cropping_left_where_it_was(
    height: int, width: int
) -> None:
    slices = np.random.default_rng(0).integers(1, 9, (3, 8, 7))

    there_and_back = crop_or_pad(crop_or_pad(slices, (height, width)), (8, 7))

    kept = there_and_back != 0
    assert kept.sum() == 3 * height * width
    np.testing.assert_array_equal(there_and_back[kept], slices[kept])


def test_the_old_array_is_neither_changed_nor_shared() -> None:
    slices = np.ones((1, 2, 2))

    crop_or_pad(slices, (2, 2))[:] = 7

    np.testing.assert_array_equal(slices, np.ones((1, 2, 2)))
