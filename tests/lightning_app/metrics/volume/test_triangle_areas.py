from itertools import permutations, product
from math import sqrt

import numpy as np
import pytest

from lightning_app.metrics.volume.triangle_areas import contour_lengths, triangle_areas

UNIT = (1.0, 1.0, 1.0)
ANISOTROPIC = (3.0, 1.0, 0.5)
CORNER, EDGE = sqrt(3) / 8, sqrt(2) / 2


def bits(code: int) -> "np.ndarray[tuple[int, ...], np.dtype[np.int64]]":
    """The voxels around the corner, (2, 2, 2)."""
    return np.array([code >> (7 - bit) & 1 for bit in range(8)]).reshape(2, 2, 2)


def code_of(voxels: "np.ndarray[tuple[int, ...], np.dtype[np.int64]]") -> int:
    return int("".join(map(str, voxels.ravel())), 2)


@pytest.mark.parametrize(
    ("code", "area"),
    [
        (0b0000_0000, 0),
        (0b0000_0001, CORNER),
        (0b0000_0011, EDGE),
        (0b0000_0110, 2 * CORNER),  # two across a face
        (0b0001_1000, 2 * CORNER),  # two across the cube
        (0b0000_0111, 1 / 2 + 3 * CORNER),  # three of a face
        (0b0001_0110, 3 * CORNER),
        (0b0001_1001, EDGE + CORNER),
        (0b0000_1111, 1),  # a face
        (0b0001_0111, 6 * CORNER),  # a corner and its three neighbours
        (0b0001_1011, EDGE + 4 * CORNER),  # a chain of four
        (0b0001_1110, 1 / 2 + 4 * CORNER),
        (0b0011_1100, 2 * EDGE),
        (0b0110_1001, 4 * CORNER),
        (0b1111_1111, 0),
    ],
)
def test_the_fifteen_cases_of_marching_cubes_have_their_areas(code: int, area: float) -> None:
    assert triangle_areas(UNIT)[code] == pytest.approx(area, rel=1e-14)
    assert triangle_areas(UNIT)[255 - code] == pytest.approx(area, rel=1e-14)


@pytest.mark.parametrize("flips", list(product((1, -1), repeat=3)))
@pytest.mark.parametrize("axes", list(permutations(range(3))))
def test_turning_and_mirroring_voxels_and_spacing_keeps_the_area(
    axes: tuple[int, int, int], flips: tuple[int, int, int]
) -> None:
    steps = tuple(slice(None, None, flip) for flip in flips)
    moved = [code_of(bits(code).transpose(axes)[steps]) for code in range(256)]
    spacing = (ANISOTROPIC[axes[0]], ANISOTROPIC[axes[1]], ANISOTROPIC[axes[2]])
    areas = triangle_areas(spacing)[moved]
    assert areas.tolist() == pytest.approx(triangle_areas(ANISOTROPIC).tolist(), rel=1e-14)


def test_the_spacing_scales_each_side() -> None:
    z, y, x = ANISOTROPIC
    areas = triangle_areas(ANISOTROPIC)
    assert areas[0b0000_1111] == pytest.approx(y * x)  # perpendicular to z
    assert areas[0b0011_0011] == pytest.approx(z * x)
    assert areas[0b0101_0101] == pytest.approx(z * y)
    assert areas[0b0000_0011] == pytest.approx(x * sqrt(z**2 + y**2) / 2)  # along x
    assert areas[0b0000_0001] == pytest.approx(sqrt((y * x) ** 2 + (z * x) ** 2 + (z * y) ** 2) / 8)


def test_contour_lengths_are_those_of_marching_squares() -> None:
    down, across, diagonal = 3.0, 4.0, 2.5
    first_row_in, first_column_in = across, down
    half = [0, diagonal, diagonal, first_row_in, diagonal, first_column_in, 2 * diagonal, diagonal]
    assert contour_lengths((down, across)).tolist() == pytest.approx([*half, *half[::-1]])
