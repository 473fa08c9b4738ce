"""Smooth random fields whose values do not depend on the grid of evaluation."""

import numpy as np
from scipy import sparse

from data_modules.phantom.anatomy.geometry import Array, Floats

# Half the box in mm, large enough for a shifted head; axes as in geometry.Points.
EXTENT = {"z": 90.0, "y": 112.0, "x": 90.0}
# A cubic B-spline field of unit coefficients has variance (151 / 315) ** 3 = 0.33 ** 2 on average.
_DEVIATION = (151 / 315) ** 1.5


class Grid:
    """A product grid of coordinates in mm; arrays on it are (len(z), len(y), len(x))."""

    def __init__(self, x: Floats, y: Floats, z: Floats) -> None:
        self.axes = {"z": z, "y": y, "x": x}
        self.shape = (len(z), len(y), len(x))
        self._weights: dict[str, dict[float, sparse.csr_array[np.float32]]] = {
            name: {} for name in self.axes
        }

    def at_height(self, z: float) -> "Grid":
        """The plane at height ``z``; it shares the weights of x and y with this grid."""
        slice_ = Grid(self.axes["x"], self.axes["y"], np.array([z]))
        slice_._weights = {**self._weights, "z": {}}
        return slice_

    def weights(self, axis: str, spacing: float) -> "sparse.csr_array[np.float32]":
        """Cubic B-spline weights (points, nodes) of one axis for a lattice of ``spacing`` mm."""
        by_spacing = self._weights[axis]
        if spacing not in by_spacing:
            by_spacing[spacing] = _spline_weights(self.axes[axis], spacing, EXTENT[axis])
        return by_spacing[spacing]


class RandomField:
    """Gaussian field of mean 0 and deviation 1 that varies over about ``spacing`` mm.

    Normal coefficients on a lattice, interpolated by cubic B-splines. The weights are sparse so
    that no BLAS is involved, whose results could depend on the number of threads.
    """

    def __init__(self, rng: np.random.Generator, spacing: float) -> None:
        self.spacing = spacing
        shape = tuple(_nodes(extent, spacing) for extent in EXTENT.values())
        self.coefficients = rng.standard_normal(shape, dtype=np.float32) / np.float32(_DEVIATION)

    def on(self, grid: Grid) -> Array:
        """Values on a grid, (z, y, x)."""
        block = self.coefficients
        for axis in EXTENT:
            weights = grid.weights(axis, self.spacing)
            product = weights @ block.reshape(block.shape[0], -1)
            block = np.moveaxis(product.reshape(-1, *block.shape[1:]), 0, -1)
        return np.ascontiguousarray(block)


def _nodes(extent: float, spacing: float) -> int:
    return int(np.ceil(2 * extent / spacing)) + 4


def _spline_weights(axis: Floats, spacing: float, extent: float) -> "sparse.csr_array[np.float32]":
    position = (axis + extent) / spacing
    first = np.floor(position).astype(np.intp)
    t = position - first
    values = np.stack(
        [(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3], axis=1
    )
    columns = first[:, None] + np.arange(4)
    rows = np.arange(0, 4 * len(axis) + 1, 4)
    return sparse.csr_array(
        ((values / 6).astype(np.float32).ravel(), columns.ravel(), rows),
        shape=(len(axis), _nodes(extent, spacing)),
    )
