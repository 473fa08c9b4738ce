import numpy as np

from lightning_app.metrics.volume.masks import bounding_box, enclosing_box, moved


def test_a_box_holds_all_voxels_and_no_more() -> None:
    mask = np.zeros((5, 6, 7), np.bool_)
    mask[1, 5, 3] = mask[4, 2, 3] = True
    assert bounding_box(mask) == (slice(1, 5), slice(2, 6), slice(3, 4))


def test_the_box_of_an_empty_mask_is_empty() -> None:
    mask = np.zeros((2, 3, 4), np.bool_)
    assert mask[bounding_box(mask)].size == 0


def test_a_box_around_boxes() -> None:
    one, other = (slice(1, 3), slice(4, 6), slice(0, 9)), (slice(2, 5), slice(1, 2), slice(3, 4))
    assert enclosing_box([one, other]) == (slice(1, 5), slice(1, 6), slice(0, 9))


def test_a_box_of_a_crop_in_the_whole_array() -> None:
    array = np.arange(6 * 7 * 8).reshape(6, 7, 8)
    crop, box = (slice(2, 6), slice(1, 7), slice(3, 8)), (slice(1, 3), slice(0, 2), slice(2, 4))
    assert np.array_equal(array[moved(box, crop)], array[crop][box])
