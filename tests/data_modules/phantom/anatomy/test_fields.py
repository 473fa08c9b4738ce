import numpy as np
import pytest

from data_modules.phantom.anatomy.fields import Grid, RandomField
from data_modules.phantom.anatomy.geometry import Points, capsule, ellipsoid, ramp, smooth_maximum


def points(*coordinates: tuple[float, float, float]) -> Points:
    return Points(*np.array(coordinates, dtype=np.float32).T)


def test_field_has_mean_0_and_deviation_1() -> None:
    axis = np.arange(-80.0, 80.0, 4.0)

    values = RandomField(np.random.default_rng(0), 6).on(Grid(axis, axis, axis))

    assert values.mean() == pytest.approx(0, abs=0.05)
    assert values.std() == pytest.approx(1, abs=0.05)


def test_field_is_the_same_on_every_grid() -> None:
    field = RandomField(np.random.default_rng(0), 9)
    fine, coarse = np.arange(-20.0, 21.0), np.arange(-20.0, 21.0, 4.0)

    on_fine = field.on(Grid(fine, fine, fine))
    on_coarse = field.on(Grid(coarse, coarse, coarse))
    one_slice = field.on(Grid(fine, fine, coarse).at_height(0.0))

    np.testing.assert_allclose(on_fine[::4, ::4, ::4], on_coarse, atol=1e-5)
    np.testing.assert_array_equal(one_slice[0], on_fine[20])


def test_depths_are_positive_inside_and_in_mm_at_the_surface() -> None:
    where = points((11, 0, 0), (9, 0, 0), (0, 19, 0))

    np.testing.assert_allclose(ellipsoid(where, (0, 0, 0), (10, 20, 30)), [-1, 1, 1], atol=0.2)
    rod = capsule(points((0, 5, 0), (3, 5, 0), (0, 12, 0)), (0, 0, 0), (0, 10, 0), (1, 1))
    np.testing.assert_allclose(rod, [1, -2, -1], atol=1e-5)


def test_ramp_and_smooth_maximum() -> None:
    depth = np.array([-2, 0, 0.5, 2], dtype=np.float32)

    np.testing.assert_allclose(ramp(depth, 2.0), [0, 0.5, 0.75, 1])
    np.testing.assert_allclose(smooth_maximum(depth, depth - 10, 4), depth)
    np.testing.assert_allclose(smooth_maximum(depth, depth, 4), depth + 1)
