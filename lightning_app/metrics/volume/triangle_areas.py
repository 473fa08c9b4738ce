"""The area of a mask's surface at a corner between 2 x 2 x 2 voxels, as marching cubes draws it.

The eight voxels around a corner are the corners of a cube. A code has one bit for each, set if the
voxel is in the mask: 128 for (0, 0, 0), 64 for (0, 0, 1), down to 1 for (1, 1, 1), each (z, y, x).

Those of the voxels inside and outside that are fewer are split into parts that are connected
through faces. A polygon through the middles of the cube's edges cuts off each part. It is split
into triangles that share one vertex, the one that gives the largest area. The areas are those of
DeepMind's surface-distance, https://github.com/google-deepmind/surface-distance.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import product

import numpy as np

from lightning_app.metrics.count_table import Floats

Point = tuple[int, int, int]  # in halves of the cube's side, so that the middle of an edge is whole
CORNERS: tuple[Point, ...] = tuple((z, y, x) for z, y, x in product((0, 2), repeat=3))
MOST_TRIANGLES = 4


def triangle_areas(spacing: tuple[float, float, float]) -> Floats:
    """The area in mm² of the surface at a corner, (256,), by the code of its voxels.

    Args:
        spacing: distance between voxels in mm along z, y, x.
    """
    z, y, x = spacing
    areas: Floats = np.linalg.norm(_normals() * (y * x, z * x, z * y), axis=-1).sum(axis=-1)
    return areas


def contour_lengths(spacing: tuple[float, float]) -> Floats:
    """The length in mm of a slice's contour at a corner between 2 x 2 pixels, (16,), by code.

    The bits of a code are 8 for pixel (0, 0), then 4 for (0, 1), 2 for (1, 0) and 1 for (1, 1).

    Args:
        spacing: distance between pixels in mm along y, x.
    """
    same_pixels_twice = np.arange(16) * 17  # a contour is the surface of a stack 1 mm high
    return triangle_areas((1.0, *spacing))[same_pixels_twice]


@cache
def _normals() -> Floats:
    """The triangles of each code, (256, 4, 3): normals as long as the area, all values positive."""
    normals = np.zeros((256, MOST_TRIANGLES, 3))
    for code in range(256):
        inside = [corner for bit, corner in enumerate(CORNERS) if code >> (7 - bit) & 1]
        outside = [corner for corner in CORNERS if corner not in inside]
        triangles = [
            normal
            for part in _connected_parts(min(inside, outside, key=len))
            for normal in _triangulated(_polygon_around(part))
        ]
        if triangles:
            normals[code, : len(triangles)] = sorted(triangles)
    return normals


def _connected_parts(corners: Sequence[Point]) -> Iterator[set[Point]]:
    left = set(corners)
    while left:
        part: set[Point] = set()
        new = {left.pop()}
        while new:
            part |= new
            new = {corner for corner in left if any(_share_an_edge(corner, end) for end in new)}
            left -= new
        yield part


def _share_an_edge(a: Point, b: Point) -> bool:
    return sum(i != j for i, j in zip(a, b, strict=True)) == 1


def _polygon_around(part: set[Point]) -> list[Point]:
    """The middles of the edges that lead out of a connected part, in order around it."""
    left = [
        ((a[0] + b[0]) // 2, (a[1] + b[1]) // 2, (a[2] + b[2]) // 2)
        for a in sorted(part)
        for b in CORNERS
        if b not in part and _share_an_edge(a, b)
    ]
    polygon = [left.pop()]
    while left:
        polygon.append(next(point for point in left if _share_a_face(point, polygon[-1])))
        left.remove(polygon[-1])
    return polygon


def _share_a_face(a: Point, b: Point) -> bool:
    return any(i == j != 1 for i, j in zip(a, b, strict=True))


def _triangulated(polygon: list[Point]) -> list[list[float]]:
    fans = (_fan(np.roll(polygon, -start, axis=0) / 2) for start in range(len(polygon)))
    largest = max(fans, key=lambda normals: float(np.linalg.norm(normals, axis=1).sum()))
    triangles: list[list[float]] = largest.tolist()
    return triangles


def _fan(polygon: Floats) -> Floats:
    """The normals of the triangles that share the first vertex, (triangles, 3)."""
    sides = polygon[1:] - polygon[0]
    normals: Floats = np.abs(np.cross(sides[:-1], sides[1:])) / 2
    return normals
