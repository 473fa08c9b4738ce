"""The same scores written a second time, slowly, with sets of voxels and plain loops."""

import math
from collections.abc import Iterator
from itertools import product

import numpy as np

from lightning_app.metrics.volume.cohorts import Cohort
from lightning_app.metrics.volume.masks import Mask, Spacing
from lightning_app.metrics.volume.triangle_areas import contour_lengths, triangle_areas

Voxel = tuple[int, int, int]
Elements = dict[Voxel, float]  # area by corner
FROM_A_VOXEL_TO_ITS_CORNERS = [(z, y, x) for z, y, x in product((0, 1), repeat=3)]
FROM_A_CORNER_TO_ITS_VOXELS = [(z, y, x) for z, y, x in product((-1, 0), repeat=3)]
TO_NEIGHBOURS = [(z, y, x) for z, y, x in product((-1, 0, 1), repeat=3)]


def voxels_of(mask: Mask) -> set[Voxel]:
    return {(int(z), int(y), int(x)) for z, y, x in np.argwhere(mask)}


def moved(voxel: Voxel, step: Voxel) -> Voxel:
    return voxel[0] + step[0], voxel[1] + step[1], voxel[2] + step[2]


def surface_elements(voxels: set[Voxel], spacing: Spacing) -> Elements:
    """Corner (z, y, x) lies before voxel (z, y, x)."""
    return _elements(
        voxels,
        FROM_A_VOXEL_TO_ITS_CORNERS,
        FROM_A_CORNER_TO_ITS_VOXELS,
        triangle_areas(spacing).tolist(),
    )


def contour_elements(pixels: set[Voxel], spacing: Spacing) -> Elements:
    """The same in the plane z = 0."""
    return _elements(
        pixels,
        [step for step in FROM_A_VOXEL_TO_ITS_CORNERS if step[0] == 0],
        [step for step in FROM_A_CORNER_TO_ITS_VOXELS if step[0] == 0],
        contour_lengths(spacing[1:]).tolist(),
    )


def _elements(
    voxels: set[Voxel], to_corners: list[Voxel], to_voxels: list[Voxel], areas: list[float]
) -> Elements:
    elements = {}
    for corner in {moved(voxel, step) for voxel in voxels for step in to_corners}:
        around = [moved(corner, step) in voxels for step in to_voxels]
        if not all(around):
            elements[corner] = areas[int("".join(str(int(inside)) for inside in around), 2)]
    return elements


def to_nearest(starts: Elements, ends: Elements, spacing: Spacing) -> list[tuple[float, float]]:
    """Distance and area of each start, ascending."""
    scale_z, scale_y, scale_x = spacing
    return sorted(
        (
            math.sqrt(
                min(
                    ((z - end[0]) * scale_z) ** 2
                    + ((y - end[1]) * scale_y) ** 2
                    + ((x - end[2]) * scale_x) ** 2
                    for end in ends
                )
            ),
            area,
        )
        for (z, y, x), area in starts.items()
    )


def hd95_range(one: Elements, other: Elements, spacing: Spacing) -> tuple[float, float]:
    """The lowest and the highest HD95 that rounding may give if a share is 95 % exactly."""
    if not (one and other):
        return (374.0, 374.0) if one or other else (0.0, 0.0)
    ways = [to_nearest(one, other, spacing), to_nearest(other, one, spacing)]
    low, high = (
        max(_distance_at(way, 0.95 + rounding) for way in ways) for rounding in (-1e-9, 1e-9)
    )
    return low, high


def _distance_at(way: list[tuple[float, float]], share: float) -> float:
    total, reached = sum(area for _, area in way), 0.0
    for distance, area in way:
        reached += area
        if reached >= share * total:
            return distance
    return way[-1][0]


def nsd(one: Elements, other: Elements, spacing: Spacing, tolerance: float) -> float:
    if not (one and other):
        return float(not one and not other)
    both = [*to_nearest(one, other, spacing), *to_nearest(other, one, spacing)]
    return sum(a for d, a in both if d <= tolerance) / sum(a for _, a in both)


def components(voxels: set[Voxel]) -> Iterator[set[Voxel]]:
    """Voxels that share a face, an edge or a corner belong together."""
    left = set(voxels)
    while left:
        component: set[Voxel] = set()
        new = {left.pop()}
        while new:
            component |= new
            new = {moved(voxel, step) for step in TO_NEIGHBOURS for voxel in new} & left
            left -= new
        yield component


def dilated(voxels: set[Voxel], times: int) -> set[Voxel]:
    steps = [step for step in TO_NEIGHBOURS if sum(map(abs, step)) <= 2]
    for _ in range(times):
        voxels = {moved(voxel, step) for voxel in voxels for step in steps}
    return voxels


def merged_lesions(truth: set[Voxel], dilations: int) -> list[set[Voxel]]:
    """The lesions: ground truth voxels whose dilations are connected."""
    return [truth & component for component in components(dilated(truth, dilations))]


Means = tuple[float, float, float]  # Dice, lowest and highest HD95


def lesion_means(
    reference: Mask, prediction: Mask, spacing: Spacing, cohort: Cohort
) -> tuple[Means, tuple[int, int, int]]:
    """The means over lesions, and how many were found, missed and invented."""
    predicted = list(components(voxels_of(prediction)))
    matched: set[int] = set()
    scores: list[Means] = []
    for lesion in merged_lesions(voxels_of(reference), cohort.dilations):
        reach = dilated(lesion, cohort.dilations)
        matches = [index for index, part in enumerate(predicted) if part & reach]
        matched.update(matches)
        if len(lesion) * math.prod(spacing) <= cohort.smallest_mm3:
            continue
        joined: set[Voxel] = set().union(*(predicted[index] for index in matches))
        dice = 2 * len(lesion & joined) / (len(lesion) + len(joined))
        surfaces = surface_elements(lesion, spacing), surface_elements(joined, spacing)
        scores.append((dice if matches else -1, *hd95_range(*surfaces, spacing)))
    missed = sum(dice < 0 for dice, *_ in scores)
    invented = len(predicted) - len(matched)
    counts = (len(scores) - missed, missed, invented)
    if not sum(counts):
        return (1.0, 0.0, 0.0), counts
    totals = [sum(max(values[i], 0.0) for values in scores) for i in range(3)]
    dice, low, high = (
        (total + penalty * invented) / sum(counts)
        for total, penalty in zip(totals, (0, 374, 374), strict=True)
    )
    return (dice, low, high), counts
