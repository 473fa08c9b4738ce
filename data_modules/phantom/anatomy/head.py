"""The shape of a patient's brain: its outline, its parts, and the clefts between them.

The origin is the brain's centre in BraTS's array, see ``grids``. All sizes are in mm and tuned to
give 1.4 to 1.6 l.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, sin
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from data_modules.phantom.anatomy.fields import Grid, RandomField
from data_modules.phantom.anatomy.geometry import (
    Array,
    Mask,
    Points,
    Scalar,
    capsule,
    ellipsoid,
    smooth_maximum,
    smooth_minimum,
)

# Moves points (given the brain's outline there) to where their tissue came from.
Displacement = Callable[[Points, Array], Points]


class Parts(NamedTuple):
    """Signed depths inside the parts of the brain, in mm."""

    cerebrum: Array
    cerebellum: Array
    stem: Array

    def union(self) -> Array:
        """Depth below the brain's surface, the clefts between the parts included."""
        behind = smooth_maximum(self.cerebellum, self.stem, 8)
        return smooth_maximum(self.cerebrum, behind, 8)


@dataclass
class Section:
    """The voxels of a grid that lie in the brain, packed into one axis of ``n`` elements.

    ``position`` is where a voxel is, ``points`` the corresponding place in the undeformed head.
    ``outline`` is the depth below the brain's surface in mm.
    """

    grid: Grid
    inside: Mask
    position: Points
    points: Points
    outline: Array
    parts: Parts

    def sample(self, field: RandomField) -> Array:
        """The values of a field at the voxels, (n,)."""
        return field.on(self.grid)[self.inside]

    def unpack(self, values: NDArray[Scalar]) -> NDArray[Scalar]:
        """Values (n,) as an array (z, y, x) that is 0 outside."""
        volume: NDArray[Scalar] = np.zeros(self.grid.shape, dtype=values.dtype)
        volume[self.inside] = values
        return volume


class Head:
    """Outline and pose of one patient."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.axes = (rng.uniform(62, 68), rng.uniform(81, 89), rng.uniform(60, 66))
        self.taper = rng.uniform(0.06, 0.18)
        self.centre = tuple(rng.uniform(-2.5, 2.5, 3))
        self.yaw, self.roll = np.radians(rng.normal(0, 2.0, 2).clip(-5, 5))
        self.warps = [
            (RandomField(rng, 26), RandomField(rng, 60), rng.uniform(0.7, 1.1)) for _ in "xyz"
        ]

    def section(self, grid: Grid, displace: Displacement | None = None) -> Section:
        """The voxels of a grid that lie in the brain."""
        position = _product(grid)
        points = self._to_head(position, [self._warp(grid, i) for i in range(3)])
        outline = self._parts(points).union()
        inside = outline > 0
        packed = Points(*(c[inside] for c in position))
        original = Points(*(c[inside] for c in points))
        if displace is not None:
            # The deformation is small, so it may be added instead of composed.
            moved = displace(packed, outline[inside])
            original = Points(
                *(o + (m - p) for o, m, p in zip(original, moved, packed, strict=True))
            )
        return Section(grid, inside, packed, original, outline[inside], self._parts(original))

    def _parts(self, points: Points) -> Parts:
        return Parts(self._cerebrum(points), self._cerebellum(points), self._stem(points))

    def _warp(self, grid: Grid, axis: int) -> Array:
        fine, coarse, strength = self.warps[axis]
        return np.float32(strength) * fine.on(grid) + np.float32(1.1) * coarse.on(grid)

    def _to_head(self, position: Points, warp: list[Array]) -> Points:
        x, y, z = (
            p + w - np.float32(c) for p, w, c in zip(position, warp, self.centre, strict=True)
        )
        cosine, sine = np.float32(cos(self.yaw)), np.float32(sin(self.yaw))
        x, y = cosine * x + sine * y, cosine * y - sine * x
        cosine, sine = np.float32(cos(self.roll)), np.float32(sin(self.roll))
        return Points(cosine * x + sine * z, y, cosine * z - sine * x)

    def _cerebrum(self, points: Points) -> Array:
        """Hemispheres without their fissure: vault, cut at the base, and temporal lobes."""
        half = points.mirrored()
        narrowed = Points(half.x * (1 + np.float32(self.taper / 85) * points.y), points.y, points.z)
        vault = ellipsoid(narrowed, (0, 0, 0), self.axes)
        orbital = points.z + 33 - 0.24 * half.x + 0.06 * np.maximum(points.y - 30, 0)
        orbital += 0.7 * np.maximum(-12 - points.y, 0)
        base = smooth_minimum(vault, orbital, 8)
        temporal = ellipsoid(half, (39, -2, -26), (24, 46, 27))
        return np.minimum(smooth_maximum(base, temporal, 5), above_tentorium(points))

    def _cerebellum(self, points: Points) -> Array:
        half = points.mirrored()
        lobes = ellipsoid(half, (22, -50, -40), (32, 32, 29))
        vermis = ellipsoid(points, (0, -51, -30), (17, 31, 28))
        return np.minimum(smooth_maximum(lobes, vermis, 4), -above_tentorium(points))

    def _stem(self, points: Points) -> Array:
        """Midbrain, pons and medulla."""
        pons = ellipsoid(points, (0, -17, -39), (18, 14, 15))
        rod = capsule(points, (0, -14, -8), (0, -29, -74), (15, 8))
        return smooth_maximum(pons, rod, 4)


def above_tentorium(points: Points) -> Array:
    """Signed distance from the tentorium, the tent between cerebrum and cerebellum, in mm.

    Its apex lies behind the midbrain; it falls to both sides and to the back, and in front it
    drops along the petrous ridge.
    """
    behind = points.y + 35
    surface = -9 - 0.45 * np.abs(points.x) + 0.40 * np.minimum(behind, 0)
    surface -= 1.2 * np.maximum(behind, 0)
    return np.asarray((points.z - surface) / np.float32(1.2), dtype=np.float32)


def sheet(distance: Array, beyond: Array) -> Array:
    """Distance from a sheet that ends where ``beyond`` becomes positive, both in mm."""
    length: Array = np.hypot(distance, np.maximum(beyond, 0))
    return length


def _product(grid: Grid) -> Points:
    z, y, x = np.meshgrid(*(a.astype(np.float32) for a in grid.axes.values()), indexing="ij")
    return Points(x, y, z)
