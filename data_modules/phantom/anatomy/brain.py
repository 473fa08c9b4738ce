"""The tissues of a healthy head: signed depths of its parts, and a mixture in every voxel."""

from dataclasses import dataclass

import numpy as np

from data_modules.phantom.anatomy.fields import Grid, RandomField
from data_modules.phantom.anatomy.geometry import (
    Array,
    Points,
    capsule,
    ellipsoid,
    ramp,
    smooth_maximum,
)
from data_modules.phantom.anatomy.head import Displacement, Head, Section, sheet
from data_modules.phantom.anatomy.sulci import SulcalMap
from data_modules.phantom.anatomy.tissue import TISSUE_INDEX, TISSUES


class Mixture:
    """Shares of the tissues in every voxel, (tissues, n); they sum to 1."""

    def __init__(self, base: str, size: int) -> None:
        self.shares: Array = np.zeros((len(TISSUES), size), dtype=np.float32)
        self.shares[TISSUE_INDEX[base]] = 1

    def __getitem__(self, tissue: str) -> Array:
        share: Array = self.shares[TISSUE_INDEX[tissue]]
        return share

    def paint(self, tissue: str, amount: Array) -> None:
        """Replace a share ``amount`` (n,), from 0 to 1, of the present tissues by ``tissue``."""
        touched = np.flatnonzero(amount > 0)
        self.shares[:, touched] *= 1 - amount[touched]
        self.shares[TISSUE_INDEX[tissue], touched] += amount[touched]


@dataclass
class Bodies:
    """Signed depths in mm, (n,) each, of a healthy head's parts; ``midline`` is a distance."""

    pial: Array
    cortex: Array
    ventricles: Array
    nuclei: Array
    pallidum: Array
    midline: Array

    def white_depth(self) -> Array:
        """Depth inside white matter, away from cortex, ventricles and nuclei."""
        return np.minimum(self.cortex, -np.maximum(self.ventricles, self.nuclei))


class Anatomy:
    """One patient's healthy head. ``atrophy`` runs from 0 to 0.85 and widens all CSF."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.head = Head(rng)
        self.atrophy = 0.85 * rng.uniform() ** 1.8
        self.sulcal_width = -0.25 + 0.75 * self.atrophy + rng.uniform(0, 0.3)
        wavelength = rng.uniform(20.5, 25)
        self.maps = [SulcalMap(rng, wavelength) for _ in range(2)]
        self.bends = [(RandomField(rng, 34), RandomField(rng, 14)) for _ in "xyz"]
        self.fluid = RandomField(rng, 14)
        self.thickness = RandomField(rng, 18)
        self.vent_scale = rng.uniform(0.5, 0.95)
        self.vent_grow = 0.6 * self.atrophy
        self.vent_lift = rng.uniform(-4, 3)
        self.nuclei_scale = rng.uniform(0.92, 1.06)

    def section(self, grid: Grid, displace: Displacement | None = None) -> Section:
        """The voxels of a grid that lie in the brain."""
        return self.head.section(grid, displace)

    def bodies(self, section: Section) -> Bodies:
        """How deep the voxels lie in the brain's parts."""
        points = section.points
        # Callosum, nuclei and capsules: neither the fissure nor sulci reach them.
        core = ellipsoid(points, (0, -3, -2), (34, 38, 25))
        fluid = section.sample(self.fluid)
        layer = np.maximum(0.9 * self.atrophy + 0.6 * fluid, 0)
        cerebral = self._cerebral(section, core, fluid, layer)
        cerebellar = self._cerebellar(section, layer)
        stem = section.parts.stem - layer
        pial = np.maximum(np.maximum(cerebral, cerebellar), stem)
        pial = np.minimum(pial, -ellipsoid(points, (0, 8, -30), (10, 6, 8)))  # suprasellar cistern
        cortex = np.maximum(
            cerebral - (2.6 + 0.4 * section.sample(self.thickness)),
            np.maximum(cerebellar - 2.1, stem),
        )
        nuclei, pallidum = self._nuclei(points)
        return Bodies(pial, cortex, self._ventricles(points), nuclei, pallidum, np.abs(points.x))

    def mixture(self, section: Section, bodies: Bodies) -> Mixture:
        """The tissues in every voxel."""
        mixture = Mixture("csf", len(section.outline))
        mixture.paint("grey", ramp(bodies.pial, 1.1))
        mixture.paint("white", ramp(bodies.pial, 1.1) * ramp(bodies.cortex, 2.2))
        mixture.paint("nuclei", 0.8 * ramp(bodies.nuclei, 2.5))
        mixture.paint("pallidum", 0.8 * ramp(bodies.pallidum, 2.2))
        mixture.paint("csf", ramp(bodies.ventricles, 1.4))
        return mixture

    def _cerebral(self, section: Section, core: Array, fluid: Array, layer: Array) -> Array:
        """Depth below the pia of the hemispheres, with fissure and sulci."""
        fissure = sheet(section.points.x, core)  # it ends at the callosum
        # Without bends, sulci would be as straight as the spokes of a wheel.
        bent = [
            p + np.float32(6.0) * section.sample(coarse) + np.float32(3.6) * section.sample(fine)
            for p, (coarse, fine) in zip(section.points, self.bends, strict=True)
        ]
        half = Points(np.abs(bent[0]) - 4, bent[1], bent[2] + 4)
        distance, deepest = self.maps[0].look_up(half)
        other = np.flatnonzero(section.points.x < 0)
        distance[other], deepest[other] = self.maps[1].look_up(Points(*(s[other] for s in half)))
        # Near the vertex slices run along the sulci, which would fill them with cortex.
        deepest *= 1 - 0.3 * np.clip(section.points.z / 45, 0, 1)
        # Sulci of the medial wall are shallower.
        below = np.minimum(section.parts.cerebrum - deepest, fissure - 0.4 * deepest)
        beyond = np.hypot(np.maximum(below, 0), np.maximum(core + 3 + 4 * fluid, 0))
        sulci = np.hypot(distance, beyond) - (self.sulcal_width + 0.5 * fluid)
        opened = fissure - np.float32(0.35 + 0.5 * self.atrophy)
        pial: Array = np.minimum(np.minimum(section.parts.cerebrum - layer, opened), sulci)
        return pial

    def _cerebellar(self, section: Section, layer: Array) -> Array:
        """Depth below the pia of the cerebellum: shallow sheets round the fourth ventricle."""
        x, y, z = section.points
        depth = section.parts.cerebellum
        radius = np.sqrt((0.75 * x) ** 2 + (y + 22) ** 2 + (z + 34) ** 2)
        phase = radius / np.float32(5.2)
        stripe = np.abs(phase - np.round(phase)) * np.float32(5.2)
        folia = sheet(stripe, depth - 9)
        pial: Array = np.minimum(depth - layer, folia - np.float32(self.sulcal_width - 0.3))
        return pial

    def _ventricles(self, points: Points) -> Array:
        half = points.mirrored()
        half = Points(half.x, half.y, half.z - np.float32(self.vent_lift))
        spine = ((9, 33, 4), (8, 18, 10), (9, -6, 12), (17, -27, 9), (25, -36, 4), (23, -56, 0))
        radii = [r * self.vent_scale + self.vent_grow for r in (3.2, 4.6, 4.4, 5.5, 6.0, 1.8)]
        depth = capsule(half, spine[0], spine[1], (radii[0], radii[1]))
        for i in range(1, 5):
            rod = capsule(half, spine[i], spine[i + 1], (radii[i], radii[i + 1]))
            depth = smooth_maximum(depth, rod, 3)
        horn = capsule(half, (25, -36, 2), (32, -8, -20), (0.6 * radii[4], 0.35 * radii[4]))
        depth = np.minimum(np.maximum(depth, horn), half.x - np.float32(0.6))
        third = ellipsoid(points, (0, -8, -4), (1.3 + 1.6 * self.vent_grow, 15, 10))
        fourth = ellipsoid(points, (0, -33, -38), (7, 5, 11))
        ventricles: Array = np.maximum(np.maximum(depth, third), fourth)
        return ventricles

    def _nuclei(self, points: Points) -> tuple[Array, Array]:
        s = self.nuclei_scale
        half = points.mirrored()
        head = capsule(half, (12, 24, 2), (14, 10, 12), (6.5 * s, 4 * s))
        tail = capsule(half, (14, 10, 12), (21, -22, 13), (3.5 * s, 1.8))
        slanted = Points(half.x + 0.25 * half.y, half.y, half.z)
        putamen = ellipsoid(slanted, (27, 5, 0), (5.5 * s, 16 * s, 13 * s))
        inward = Points(half.x - 0.35 * (-15 - half.y), half.y, half.z)
        thalamus = ellipsoid(inward, (10.5, -14, 1), (8.5 * s, 15 * s, 12 * s))
        pallidum = ellipsoid(slanted, (20, 2, -2), (3.5 * s, 9 * s, 6.5 * s))
        midbrain = ellipsoid(half, (6.5, -13, -14), (4.5, 5.5, 6))
        hippocampus = capsule(half, (21, -2, -22), (26, -30, -12), (6.5 * s, 3.5 * s))
        nuclei = np.maximum(np.maximum(head, tail), np.maximum(putamen, thalamus - 1))
        nuclei = np.maximum(np.maximum(nuclei, midbrain), hippocampus)
        return nuclei, pallidum
