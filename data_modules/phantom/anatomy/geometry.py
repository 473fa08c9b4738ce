"""Signed depths inside simple bodies.

A *depth* is the distance to a body's surface in mm, positive inside: the maximum of two depths is
their union. Points and depths are float32 arrays of one shape.
"""

from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

# Always float32, for speed; NumPy's annotations cannot express that in mixed arithmetic.
Array = NDArray[np.floating]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Scalar = TypeVar("Scalar", bound=np.generic)
Triple = tuple[float, float, float]


class Points(NamedTuple):
    """Coordinates in mm: x to the right of the array, y to the front, z up."""

    x: Array
    y: Array
    z: Array

    def mirrored(self) -> "Points":
        """Mirror the left half onto the right one, for bodies that come in pairs."""
        return Points(np.abs(self.x), self.y, self.z)


def ramp(depth: Array, width: float) -> Array:
    """Share of a voxel that lies inside a surface which is blurred over ``width`` mm."""
    share: Array = np.clip(0.5 + depth / np.float32(width), 0, 1)
    return share


def smooth_maximum(first: Array, second: Array, radius: float) -> Array:
    """Union of two depths whose crease is filled over ``radius`` mm."""
    overlap = np.maximum(radius - np.abs(first - second), 0) / np.float32(radius)
    union: Array = np.maximum(first, second) + overlap * overlap * np.float32(radius / 4)
    return union


def smooth_minimum(first: Array, second: Array, radius: float) -> Array:
    """Intersection of two depths whose edge is rounded over ``radius`` mm."""
    return -smooth_maximum(-first, -second, radius)


def ellipsoid(points: Points, centre: Triple, axes: Triple) -> Array:
    """Depth inside an ellipsoid, exact to first order at its surface.

    The estimate is k0 (1 - k0) / k1 with k0 = |p / r| and k1 = |p / r^2|: the implicit function
    over its gradient.
    """
    scaled = [
        (coordinate - np.float32(origin)) / np.float32(axis)
        for coordinate, origin, axis in zip(points, centre, axes, strict=True)
    ]
    level = np.sqrt(sum(s * s for s in scaled) + np.float32(1e-6))
    slope = np.sqrt(
        sum((s / np.float32(a)) ** 2 for s, a in zip(scaled, axes, strict=True)) + np.float32(1e-10)
    )
    return np.asarray(level * (1 - level) / slope, dtype=np.float32)


def capsule(points: Points, start: Triple, end: Triple, radii: tuple[float, float]) -> Array:
    """Depth inside a rod with round ends, whose radius runs from ``radii[0]`` to ``radii[1]``."""
    axis = [e - s for s, e in zip(start, end, strict=True)]
    offset = [c - np.float32(s) for c, s in zip(points, start, strict=True)]
    length = sum(a * a for a in axis)
    along = sum(o * np.float32(a / length) for o, a in zip(offset, axis, strict=True))
    along = np.clip(along, 0, 1)
    gap = sum((o - along * np.float32(a)) ** 2 for o, a in zip(offset, axis, strict=True))
    radius = np.float32(radii[0]) + along * np.float32(radii[1] - radii[0])
    return np.asarray(radius - np.sqrt(gap), dtype=np.float32)
