"""Structures that resemble tumour: hyperintensities, lacunes and enhancing vessels."""

import numpy as np
from numpy.typing import NDArray

from data_modules.phantom.anatomy.brain import Bodies, Mixture
from data_modules.phantom.anatomy.fields import RandomField
from data_modules.phantom.anatomy.geometry import Array, Points, Triple, capsule, ellipsoid, ramp
from data_modules.phantom.anatomy.head import Section, above_tentorium

# Middle and anterior cerebral arteries on the right, starting at the circle of Willis.
_ARTERIES: tuple[tuple[Triple, Triple], ...] = (
    ((4, 6, -27), (20, 8, -24)),
    ((20, 8, -24), (36, 12, -19)),
    ((36, 12, -19), (42, 0, -6)),
    ((3, 8, -27), (1.5, 24, -19)),
    ((0, 2, -36), (4, 6, -27)),
)


class Distractors:
    """The distractors of a patient; lesions and lacunes lie over 2 mm deep in white matter."""

    def __init__(
        self, rng: np.random.Generator, section: Section, white_depth: Array, atrophy: float
    ) -> None:
        self.cap_width = rng.uniform(0.5, 2) + 3 * atrophy
        deep = np.flatnonzero(white_depth > 2)
        self.lesions = _spots(rng, section, deep, rng.poisson(1 + 9 * atrophy), (1.5, 3.5))
        self.lacunes = _spots(rng, section, deep, rng.poisson(1.6), (1.5, 4.5))
        self.caps = RandomField(rng, 10)
        self.vessels = RandomField(rng, 3.2)
        self.plexus = RandomField(rng, 5)
        self.sinus_radius = rng.uniform(2.2, 3.6)
        self.transverse = rng.uniform(0.4, 1.4, 2)

    def paint(self, mixture: Mixture, section: Section, bodies: Bodies) -> None:
        """Paint them into a healthy head."""
        self._paint_lesions(mixture, section, bodies)
        self._paint_vessels(mixture, section, bodies)

    def _paint_lesions(self, mixture: Mixture, section: Section, bodies: Bodies) -> None:
        width = self.cap_width * (1 + 0.6 * section.sample(self.caps))
        caps = ramp(bodies.ventricles + width, 2.0) * ramp(bodies.cortex, 2.0)
        tissue = ramp(-bodies.ventricles, 1.4)
        mixture.paint("lesion", 0.4 * caps * tissue * (1 - mixture["nuclei"]))
        for spots, tissue_name, amount in (
            (self.lesions, "lesion", 0.8),
            (self.lacunes, "lacune", 0.9),
        ):
            for centre, axes in spots:
                depth = ellipsoid(section.points, centre, axes)
                mixture.paint(tissue_name, amount * ramp(depth, 1.6) * tissue)

    def _paint_vessels(self, mixture: Mixture, section: Section, bodies: Bodies) -> None:
        points = section.points
        fluid = mixture["csf"] * ramp(-bodies.ventricles - 1, 1)
        falx = ramp(0.6 - np.abs(points.x), 0.8) * ramp(section.outline - 1, 2)
        mixture.paint("dura", 0.7 * falx * fluid)
        speckle = np.abs(section.sample(self.vessels))
        pial = ramp(speckle - 2.3, 0.6) * ramp(2.2 - np.abs(bodies.pial), 1.5)
        mixture.paint("blood", 0.5 * pial * ramp(6 - section.outline, 4))
        mixture.paint("blood", 0.75 * ramp(speckle - 1.6, 0.6) * fluid)
        mixture.paint("blood", 0.9 * ramp(self._large_vessels(points, section.outline), 1.2))
        plexus = ellipsoid(points.mirrored(), (23, -36, 3), (6, 8, 5))
        clump = np.minimum(plexus, 2 * section.sample(self.plexus) - 0.5)
        mixture.paint("blood", 0.7 * ramp(np.minimum(clump, bodies.ventricles), 1.5))

    def _large_vessels(self, points: Points, outline: Array) -> Array:
        """Depth inside sinuses, the great vein and the arteries of the base, in mm."""
        half = points.mirrored()
        rising = np.clip((points.z + 1 - 0.4 * points.y) / 12, 0, 1)
        rising *= np.clip((72 - points.y) / 25, 0, 1)
        sagittal = self.sinus_radius * rising - np.hypot(points.x, outline - 1.0)
        width = np.where(points.x > 0, self.transverse[0], self.transverse[1]) * 2.2
        width = width * np.clip((-42 - points.y) / 15, 0, 1)
        shell = ellipsoid(points, (0, 0, 0), (66, 86, 64))
        transverse = width - np.hypot(above_tentorium(points) * 0.7, shell - 1.5)
        vein = capsule(points, (0, -30, 3), (0, -39, -3), (0.9, 1.8))
        straight = capsule(points, (0, -39, -4), (0, -87, -29), (1.2, 1.8))
        depth = np.maximum(np.maximum(sagittal, transverse), np.maximum(vein, straight))
        for start, end in _ARTERIES:
            depth = np.maximum(depth, capsule(half, start, end, (1.1, 0.7)))
        return np.asarray(depth, dtype=np.float32)


def _spots(
    rng: np.random.Generator,
    section: Section,
    candidates: NDArray[np.intp],
    count: int,
    radii: tuple[float, float],
) -> list[tuple[Triple, Triple]]:
    """Centres and semi-axes of small ellipsoids."""
    spots = []
    for index in rng.choice(candidates, count):
        x, y, z = (float(c[index]) for c in section.points)
        a, b, c = (float(r) for r in rng.uniform(*radii) * rng.uniform(0.8, 1.3, 3))
        spots.append(((x, y, z), (a, b, c)))
    return spots
