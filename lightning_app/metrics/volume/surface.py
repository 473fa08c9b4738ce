"""Distances between the surfaces of two masks, and the scores HD95 and NSD, as DeepMind has them.

Surface elements lie at the corners between 2 x 2 x 2 voxels. A corner belongs to the surface if its
voxels are neither all in the mask nor all outside; beyond the array, everything is outside. The
element's area is that of the triangles of marching cubes. A volume of depth 1 is one slice: its
contour elements lie at the corners between 2 x 2 pixels and have a length.

Nikolov et al., 2021, https://arxiv.org/abs/1809.04430;
code: https://github.com/google-deepmind/surface-distance.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lightning_app.metrics.count_table import Floats
from lightning_app.metrics.volume.masks import Box, Mask, Spacing, bounding_box, check_masks
from lightning_app.metrics.volume.triangle_areas import contour_lengths, triangle_areas

Codes = NDArray[np.integer]
PENALTY = 374.0  # mm; the HD95 that BraTS 2023 gives if just one of two masks is empty


@dataclass(frozen=True)
class Surface:
    """The surface elements of a mask.

    Attributes:
        positions: whole numbers (3, n); corner (z, y, x) is the one before voxel (z, y, x).
        areas: (n,), in mm², or lengths in mm for a slice.
    """

    positions: NDArray[np.intp]
    areas: Floats


@dataclass(frozen=True)
class OneWayDistances:
    """The distance from each element of one surface to the nearest element of another.

    Attributes:
        distances: (n,), in mm, ascending; infinite if the other surface has no elements.
        areas: (n,), of the elements that the distances are measured from.
    """

    distances: Floats
    areas: Floats

    def percentile(self, share: float) -> float:
        """The distance at which that share of the area is reached."""
        reached = np.cumsum(self.areas) / np.sum(self.areas)
        index = min(int(np.searchsorted(reached, share)), len(reached) - 1)
        return float(self.distances[index])

    def area_within(self, tolerance: float) -> float:
        """The area that is at most so many mm away from the other surface."""
        return float(self.areas[self.distances <= tolerance].sum())


@dataclass(frozen=True)
class SurfaceDistances:
    """The distances between two surfaces, both ways."""

    from_reference: OneWayDistances
    from_prediction: OneWayDistances


def surface_distances(reference: Mask, prediction: Mask, spacing: Spacing) -> SurfaceDistances:
    """The distances between the surfaces of two masks; what ``hd95`` and ``nsd`` start from.

    Args:
        reference: (D, H, W), the ground truth. A depth of 1 is a slice and has a contour.
        prediction: (D, H, W).
        spacing: distance between voxels in mm along z, y, x.

    Raises:
        ValueError: if the masks differ in shape or are not bool (D, H, W).
    """
    check_masks(reference, prediction)
    surface_of = slice_contour if len(reference) == 1 else volume_surface
    return distances_between(
        surface_of(reference, spacing), surface_of(prediction, spacing), spacing
    )


def hd95(distances: SurfaceDistances) -> float:
    """The 95th percentile of the Hausdorff distance in mm.

    Each way, it is the distance within which 95 % of the surface's area lies; the larger one
    counts. 0 if both masks are empty, ``PENALTY`` if one is.
    """
    ways = (distances.from_reference, distances.from_prediction)
    empty = [not way.areas.size for way in ways]
    if any(empty):
        return 0.0 if all(empty) else PENALTY
    return max(way.percentile(0.95) for way in ways)


def nsd(distances: SurfaceDistances, tolerance: float) -> float:
    """The normalised surface distance, also called surface Dice: 0 to 1.

    It is the share of both surfaces' area that is at most ``tolerance`` mm away from the other
    surface. 1 if both masks are empty, 0 if one is.
    """
    ways = (distances.from_reference, distances.from_prediction)
    area = sum(float(way.areas.sum()) for way in ways)
    if not area:
        return 1.0
    return sum(way.area_within(tolerance) for way in ways) / area


def volume_surface(mask: Mask, spacing: Spacing) -> Surface:
    """The surface of a mask (D, H, W), of a depth of 1 too, in which it is closed on all sides."""
    box = bounding_box(mask)
    rows = _codes_of_slices(np.pad(mask[box], 1))
    codes = (rows[:-1] << 4) | rows[1:]
    return _elements(codes, triangle_areas(spacing), box)


def slice_contour(mask: Mask, spacing: Spacing) -> Surface:
    """The contour of a mask (1, H, W)."""
    box = bounding_box(mask)
    codes = _codes_of_slices(np.pad(mask[box], ((0, 0), (1, 1), (1, 1))))
    return _elements(codes, contour_lengths(spacing[1:]), box)


def _codes_of_slices(mask: Mask) -> Codes:
    """The codes 0 to 15 of each slice's corners, (D, H - 1, W - 1)."""
    pixels = mask.view(np.uint8)
    pairs = (pixels[:, :, :-1] << 1) | pixels[:, :, 1:]
    return (pairs[:, :-1] << 2) | pairs[:, 1:]


def _elements(codes: Codes, areas: Floats, box: Box) -> Surface:
    everything_inside = len(areas) - 1
    positions = np.stack(np.nonzero((codes != 0) & (codes != everything_inside)))
    start = np.array([[part.start] for part in box])
    return Surface(positions + start, areas[codes[tuple(positions)]])


def distances_between(
    reference: Surface, prediction: Surface, spacing: Spacing
) -> SurfaceDistances:
    """The distances between two surfaces both ways."""
    return SurfaceDistances(
        _distances(reference, prediction, spacing), _distances(prediction, reference, spacing)
    )


def _distances(start: Surface, end: Surface, spacing: Spacing) -> OneWayDistances:
    distances = _to_nearest(start.positions, end.positions, spacing)
    # Equal distances in the order of their areas: the sums' rounding depends on no position.
    order = np.lexsort((start.areas, distances))
    return OneWayDistances(distances[order], start.areas[order])


def _to_nearest(starts: NDArray[np.intp], ends: NDArray[np.intp], spacing: Spacing) -> Floats:
    """The distance in mm from each start (3, n) to the nearest end (3, m)."""
    from scipy import ndimage  # not yet when a report reads runs

    if not (starts.size and ends.size):
        return np.full(starts.shape[1], np.inf)
    origin = np.minimum(starts.min(axis=1), ends.min(axis=1))[:, None]
    last = np.maximum(starts.max(axis=1), ends.max(axis=1))[:, None]
    no_end = np.ones((last - origin + 1).ravel(), np.bool_)
    no_end[tuple(ends - origin)] = False
    nearest = ndimage.distance_transform_edt(
        no_end, spacing, return_distances=False, return_indices=True
    )
    cells = starts - origin
    steps = (nearest[:, *cells] - cells) * np.reshape(spacing, (3, 1))
    distances: Floats = np.sqrt((steps**2).sum(axis=0))
    return distances
