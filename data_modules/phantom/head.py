"""The shape of a patient's brain: its outline, the halves that it is made of, and their clefts.

The origin is the brain's centre in BraTS's array, see ``grids``. All sizes are in mm and tuned to
give 1.4 to 1.6 l.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, sin

import numpy as np

from .fields import Grid, RandomField
from .geometry import Array, Points, capsule, ellipsoid, smooth_maximum, smooth_minimum

# Moves points (given the brain's outline there) to where their tissue came from.
Displacement = Callable[[Points, Array], Points]


@dataclass
class Section:
    """The brain's voxels of a grid, packed into one axis of ``n`` elements.

    ``position`` is where a voxel is, ``points`` where it lies in the undeformed head.
    ``outline``, ``cerebrum`` and ``hindbrain`` are signed depths in mm.
    """

    grid: Grid
    inside: "np.typing.NDArray[np.bool_]"
    position: Points
    points: Points
    outline: Array
    cerebrum: Array
    hindbrain: Array

    def sample(self, field: RandomField) -> Array:
        """A field's values at the voxels, (n,)."""
        return field.on(self.grid)[self.inside]

    def unpack(self, values: Array) -> Array:
        """Values (n,) as an array (z, y, x) that is 0 outside."""
        volume = np.zeros(self.grid.shape, dtype=values.dtype)
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
            (RandomField(rng, 26), RandomField(rng, 60), rng.uniform(0.8, 1.3)) for _ in "xyz"
        ]

    def section(self, grid: Grid, displace: Displacement | None = None) -> Section:
        """The voxels of a grid that lie in the brain."""
        position = _product(grid)
        points = self._to_head(position, [self._warp(grid, i) for i in range(3)])
        cerebrum, hindbrain = self._cerebrum(points), self._hindbrain(points)
        outline = smooth_maximum(cerebrum, hindbrain, 6)
        inside = outline > 0
        packed = Points(*(c[inside] for c in position))
        original = Points(*(c[inside] for c in points))
        if displace is not None:
            # The deformation is small: it may be added to the moved point instead of composed.
            moved = displace(packed, outline[inside])
            original = Points(
                *(o + (m - p) for o, m, p in zip(original, moved, packed, strict=True))
            )
            cerebrum, hindbrain = self._cerebrum(original), self._hindbrain(original)
        else:
            cerebrum, hindbrain = cerebrum[inside], hindbrain[inside]
        return Section(grid, inside, packed, original, outline[inside], cerebrum, hindbrain)

    def _warp(self, grid: Grid, axis: int) -> Array:
        fine, coarse, strength = self.warps[axis]
        return np.float32(strength) * fine.on(grid) + np.float32(1.5) * coarse.on(grid)

    def _to_head(self, position: Points, warp: list[Array]) -> Points:
        x, y, z = (p + w - np.float32(c) for p, w, c in zip(position, warp, self.centre, strict=True))
        cosine, sine = np.float32(cos(self.yaw)), np.float32(sin(self.yaw))
        x, y = cosine * x + sine * y, cosine * y - sine * x
        cosine, sine = np.float32(cos(self.roll)), np.float32(sin(self.roll))
        return Points(cosine * x + sine * z, y, cosine * z - sine * x)

    def _cerebrum(self, points: Points) -> Array:
        """Hemispheres without their fissure: vault, cut at the base, and temporal lobes."""
        side = points.mirrored()
        narrowed = Points(side.x * (1 + np.float32(self.taper / 85) * points.y), points.y, points.z)
        vault = ellipsoid(narrowed, (0, 0, 0), self.axes)
        # Orbital surface in front, tentorium behind: both rise away from the midline.
        front = points.z + 29 - 0.22 * side.x + 0.10 * np.maximum(points.y - 30, 0)
        back = points.z + 21 + 0.10 * (points.y + 40) - 0.10 * side.x
        base = smooth_minimum(vault, np.where(points.y > -12, front, np.minimum(front, back)), 8)
        temporal = ellipsoid(side, (41, 3, -27), (22, 41, 23))
        return smooth_maximum(base, temporal, 5)

    def _hindbrain(self, points: Points) -> Array:
        """Cerebellum, pons and the rest of the brain stem."""
        side = points.mirrored()
        lobes = ellipsoid(side, (20, -50, -41), (31, 31, 24))
        vermis = ellipsoid(points, (0, -50, -36), (14, 28, 24))
        cerebellum = smooth_maximum(lobes, vermis, 4)
        pons = ellipsoid(points, (0, -16, -39), (18, 15, 15))
        stem = capsule(points, (0, -14, -8), (0, -29, -74), (15, 9))
        return smooth_maximum(smooth_maximum(cerebellum, pons, 4), stem, 4)


def sheet(distance: Array, beyond: Array) -> Array:
    """Distance from a sheet that ends where ``beyond`` turns positive, both in mm."""
    past = np.maximum(beyond, 0)
    return np.sqrt(distance * distance + past * past)


def _product(grid: Grid) -> Points:
    z, y, x = np.meshgrid(*(a.astype(np.float32) for a in grid.axes.values()), indexing="ij")
    return Points(x, y, z)


