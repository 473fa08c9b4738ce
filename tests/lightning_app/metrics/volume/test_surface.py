import re
from collections.abc import Callable
from functools import partial
from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightning_app.metrics.volume.masks import Mask, Spacing
from lightning_app.metrics.volume.surface import (
    OneWayDistances,
    hd95,
    nsd,
    slice_contour,
    surface_distances,
    volume_surface,
)
from tests.helpers import plain_loops

UNIT = (1.0, 1.0, 1.0)
SPACINGS = (UNIT, (2.5, 1.0, 0.5), (0.5, 2.0, 1.0))
Pair = tuple[Mask, Mask]

deterministic = settings(derandomize=True, deadline=None, database=None, max_examples=60)


@st.composite
def pairs(draw: st.DrawFn) -> Pair:
    """Two masks, sparse or dense."""
    shape = (draw(st.integers(1, 4)), draw(st.integers(1, 4)), draw(st.integers(1, 5)))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    one, other = (
        generator.random(shape) < draw(st.sampled_from([0.05, 0.3, 0.7])) for _ in range(2)
    )
    return one, other


def cube(shape: tuple[int, int, int], *sides: tuple[int, int]) -> Mask:
    """True in a box; each side from the first to the last voxel."""
    mask = np.zeros(shape, np.bool_)
    mask[tuple(slice(first, last + 1) for first, last in sides)] = True
    return mask


def scores(reference: Mask, prediction: Mask, spacing: Spacing) -> list[float]:
    distances = surface_distances(reference, prediction, spacing)
    return [hd95(distances), *(nsd(distances, tolerance) for tolerance in (0.7, 1, 1.3))]


# By hand ------------------------------------------------------------------------------------------

SHAPE = (16, 10, 10)
FOUR = cube(SHAPE, (2, 5), (2, 5), (2, 5))


@pytest.mark.parametrize(
    ("prediction", "expected_hd95", "expected_nsd"),
    [
        (FOUR, 0, {0: 1}),
        (np.roll(FOUR, 1, 0), 1, {0.5: 0.663111, 1: 1}),
        (cube(SHAPE, (2, 9), (2, 5), (2, 5)), 4, {1: 0.778933, 2: 0.850332, 4: 1}),
    ],
)
def test_cubes(prediction: Mask, expected_hd95: float, expected_nsd: dict[float, float]) -> None:
    distances = surface_distances(FOUR, prediction, UNIT)
    assert hd95(distances) == expected_hd95
    for tolerance, value in expected_nsd.items():
        assert nsd(distances, tolerance) == pytest.approx(value, abs=5e-7)


def test_two_single_voxels_side_by_side() -> None:
    one = cube((4, 4, 4), (1, 1), (1, 1), (1, 1))
    distances = surface_distances(one, np.roll(one, 1, 2), UNIT)
    assert hd95(distances) == 1
    assert [nsd(distances, tolerance) for tolerance in (0.5, 1)] == pytest.approx([0.5, 1])


def test_distances_are_in_mm_along_each_axis() -> None:
    spacing = (2.0, 1.0, 0.5)
    moved = [np.roll(FOUR, 1, axis) for axis in range(3)]
    found = [hd95(surface_distances(FOUR, prediction, spacing)) for prediction in moved]
    assert found == list(spacing)


@pytest.mark.parametrize(("side", "expected"), [(3, 0), (5, 9)])
def test_hd95_leaves_out_five_percent_of_the_area(side: int, expected: float) -> None:
    """A small part of the prediction lies 9 or 10 mm away from all of the ground truth."""
    plate = cube((14, 24, 24), (1, 2), (2, 21), (2, 21))
    part = cube((14, 24, 24), (12, 12), (5, 4 + side), (5, 4 + side))
    share = volume_surface(part, UNIT).areas.sum() / volume_surface(plate | part, UNIT).areas.sum()
    assert (share > 0.05) == (expected > 0)
    assert hd95(surface_distances(plate, plate | part, UNIT)) == expected


@pytest.mark.parametrize(("near", "expected"), [(94, 8), (95, 3), (96, 3)])
def test_a_share_of_the_area_that_is_just_reached_counts(near: int, expected: float) -> None:
    way = OneWayDistances(np.array([3.0, 8.0]), np.array([near, 100.0 - near]))
    assert way.percentile(0.95) == expected


# Slices -------------------------------------------------------------------------------------------


def test_a_slice_has_a_contour_and_no_top_and_bottom() -> None:
    outer = cube((1, 9, 9), (0, 0), (1, 7), (1, 7))
    inner = cube((1, 9, 9), (0, 0), (2, 6), (2, 6))
    distances = surface_distances(outer, inner, (99.0, 1.0, 1.0))
    assert hd95(distances) == sqrt(2)  # from the four outer corners, 10.5 % of the outer contour
    straight, corners = 24 + 16, 4 * sqrt(2) / 2
    expected = (straight + corners) / (straight + 2 * corners)
    assert nsd(distances, 1) == pytest.approx(expected)


def test_pixels_side_by_side_in_a_slice() -> None:
    one = cube((1, 4, 5), (0, 0), (1, 1), (1, 1))
    spacing = (7.0, 1.0, 3.0)
    distances = surface_distances(one, np.roll(one, 1, 2), spacing)
    assert hd95(distances) == 3
    assert [nsd(distances, tolerance) for tolerance in (2.9, 3)] == pytest.approx([0.5, 1])


def test_the_length_of_a_contour() -> None:
    rectangle = cube((1, 6, 8), (0, 0), (1, 3), (2, 6))
    contour = slice_contour(rectangle, (9.0, 2.0, 1.0))
    diagonals = 4 * sqrt(2**2 + 1) / 2
    assert contour.areas.sum() == pytest.approx(2 * (2 * 2 + 4 * 1) + diagonals)


def test_a_mask_in_one_slice_of_a_volume_has_top_and_bottom() -> None:
    flat = cube((3, 9, 9), (1, 1), (1, 7), (1, 7))
    surface = volume_surface(flat, UNIT)
    assert set(surface.positions[0].tolist()) == {1, 2}
    assert np.array_equal(surface.areas, volume_surface(flat[1:2], UNIT).areas)


# Empty masks --------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [1, 3])
def test_empty_masks(depth: int) -> None:
    some = cube((depth, 5, 5), (0, 0), (1, 2), (1, 2))
    none = np.zeros_like(some)
    assert scores(none, none, UNIT) == [0, 1, 1, 1]
    assert scores(some, none, UNIT) == scores(none, some, UNIT) == [374, 0, 0, 0]


# Any masks ----------------------------------------------------------------------------------------


@given(pairs(), st.sampled_from(SPACINGS))
@deterministic
def test_scores_equal_those_of_plain_loops(masks: Pair, spacing: Spacing) -> None:
    slow_elements = (
        plain_loops.contour_elements if len(masks[0]) == 1 else plain_loops.surface_elements
    )
    one, other = (slow_elements(plain_loops.voxels_of(mask), spacing) for mask in masks)
    distance, *shares = scores(*masks, spacing)
    low, high = plain_loops.hd95_range(one, other, spacing)
    assert low - 1e-9 <= distance <= high + 1e-9
    expected = [plain_loops.nsd(one, other, spacing, tolerance) for tolerance in (0.7, 1, 1.3)]
    assert shares == pytest.approx(expected)


def padded(mask: Mask) -> Mask:
    """Moved, away from the array's end; a slice stays one."""
    return np.pad(mask, ((2 * (len(mask) > 1), 0), (1, 3), (0, 1)))


@pytest.mark.parametrize("change", [padded, *(partial(np.flip, axis=axis) for axis in range(3))])
@given(masks=pairs(), spacing=st.sampled_from(SPACINGS))
@deterministic
def test_moving_and_mirroring_both_masks_changes_nothing(
    change: Callable[[Mask], Mask], masks: Pair, spacing: Spacing
) -> None:
    one, other = masks
    assert scores(change(one), change(other), spacing) == scores(one, other, spacing)


@given(pairs(), st.sampled_from(SPACINGS))
@deterministic
def test_ground_truth_and_prediction_may_be_exchanged(masks: Pair, spacing: Spacing) -> None:
    one, other = masks
    assert scores(one, other, spacing) == pytest.approx(scores(other, one, spacing), rel=1e-14)


@given(pairs(), st.sampled_from(SPACINGS))
@deterministic
def test_distances_scale_with_the_spacing(masks: Pair, spacing: Spacing) -> None:
    z, y, x = spacing
    near, far = (surface_distances(*masks, s) for s in (spacing, (2 * z, 2 * y, 2 * x)))
    assert nsd(far, 2.6) == nsd(near, 1.3)
    if all(mask.any() for mask in masks):
        assert hd95(far) == 2 * hd95(near)


# Wrong masks --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prediction", "message"),
    [
        (np.zeros((2, 3, 5), np.bool_), "different shapes: (2, 3, 4) and (2, 3, 5)"),
        (np.zeros((2, 3, 4), np.uint8), "uint8 (2, 3, 4), expected bool"),
        (np.zeros((3, 4), np.bool_), "bool (3, 4), expected bool (D, H, W)"),
    ],
)
def test_what_is_not_two_volumes_of_bool_is_refused(prediction: Mask, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        surface_distances(np.zeros((2, 3, 4), np.bool_), prediction, UNIT)
