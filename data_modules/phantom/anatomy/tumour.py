"""Tumours: how large, where, and what grows around them.

A tumour is one or several cores (necrosis within an enhancing rim) in an oedema that spreads like
heat from the cores through white matter. All formulas and constants are tuned to the range of
volumes in BraTS and to the look of real images.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage, special

from data_modules.phantom.anatomy.brain import Bodies, Mixture
from data_modules.phantom.anatomy.fields import RandomField
from data_modules.phantom.anatomy.geometry import Array, Floats, Mask, Points, Triple
from data_modules.phantom.anatomy.head import Section

VOLUME_RANGE = (5.5, 250.0)  # ml; smoothing makes the smallest up to a tenth smaller
_GAMMA_SHAPE, _GAMMA_SCALE = 2.4, 40.0  # ml
_SEVERAL = 0.12  # share of patients with two or three foci
_UNENHANCED = 0.05  # share of patients
_SOLID = 0.12  # share of foci that enhance throughout
_OUTSIDE = np.float32(-1e3)  # mm


@dataclass
class Focus:
    """A core of ``radius`` mm round ``centre``.

    It enhances to a depth of ``rim`` mm below its surface (infinite: throughout), and displaces the
    tissue round it by the share ``push``.
    """

    centre: Triple
    radius: float
    stretch: Floats
    irregularity: float
    rim: float
    push: float

    def depth(self, points: Points) -> Array:
        """Depth in mm inside the smooth core."""
        offset = [p - np.float32(c) for p, c in zip(points, self.centre, strict=True)]
        stretched = (
            sum(np.float32(w) * o for w, o in zip(row, offset, strict=True)) for row in self.stretch
        )
        return np.asarray(self.radius - np.sqrt(sum(s * s for s in stretched)), dtype=np.float32)


class Shape:
    """The random part of a tumour's shape: the same at both scans of a patient."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.lobes = RandomField(rng, 9)
        self.roughness = RandomField(rng, 5)
        self.rim = RandomField(rng, 11)
        self.fingers = RandomField(rng, 13)
        self.fringe = RandomField(rng, 6)
        self.annotator = RandomField(rng, 9)
        self.strength = rng.uniform(0.45, 1)
        self.edge = rng.uniform(1, 4)


@dataclass
class Depths:
    """Depths in mm of a tumour's parts at the voxels of a section, (n,) each."""

    core: Array
    rim: Array
    oedema: Array


class Tumour:
    """A grown tumour. ``foci`` and ``shape`` come from the plan, ``spread`` from ``grow``."""

    def __init__(self, foci: list[Focus], shape: Shape, *, enhancing: bool) -> None:
        self.foci, self.shape, self.enhancing = foci, shape, enhancing
        self.spread: Array | None = None
        self.axes: list[Floats] = []
        self.threshold = 0.0

    def displace(self, points: Points, outline: Array) -> Points:
        """Mass effect: the tissue round a core comes from closer to its centre."""
        moved = list(points)
        anchored = np.clip(outline / 14, 0, 1)  # the skull is rigid
        for focus in self.foci:
            width = 1.3 * focus.radius + 4
            offset = [p - np.float32(c) for p, c in zip(points, focus.centre, strict=True)]
            square = sum(o * o for o in offset)
            pull = focus.push * anchored * np.exp(-square / np.float32(2 * width**2))
            moved = [m - o * pull for m, o in zip(moved, offset, strict=True)]
        return Points(*moved)

    def grow(self, section: Section, bodies: Bodies, mixture: Mixture, ml: float) -> None:
        """Spread oedema over a coarse section until core and oedema have a volume of ``ml``."""
        core = self._core(section, bodies)[0] > 0
        if not core.any():
            core[np.argmax(self.foci[0].depth(section.position))] = True
        conductance = section.unpack(mixture["white"] + 0.08 * mixture["grey"] + 0.01)
        spacing = float(section.grid.axes["x"][1] - section.grid.axes["x"][0])
        self.spread = _heat_distance(section.unpack(core), conductance, spacing)
        self.axes = list(section.grid.axes.values())
        affinity = np.where(core, 1e3, self._affinity(section, bodies))
        # Labels are 4 % smaller than the count of coarse voxels suggests: measured on 50 patients.
        voxels = max(round(1.04 * ml * 1000 / spacing**3), int(core.sum()))
        order = np.partition(affinity, -voxels - 1)
        self.threshold = float(order[-voxels - 1])

    def depths(self, section: Section, bodies: Bodies) -> Depths:
        """Signed depths of core, rim and oedema at the voxels of any section."""
        core, rim = self._core(section, bodies)
        return Depths(core, rim, self._affinity(section, bodies) - np.float32(self.threshold))

    def _core(self, section: Section, bodies: Bodies) -> tuple[Array, Array]:
        """Depth below the surface of the cores, and the rim's thickness there."""
        lobes, rough = section.sample(self.shape.lobes), section.sample(self.shape.roughness)
        depth = np.full(len(section.outline), _OUTSIDE)
        rim = np.zeros_like(depth)
        for focus in self.foci:
            focus_depth = focus.depth(section.position) + 0.7 * rough
            focus_depth += np.float32(0.55 * focus.irregularity * focus.radius) * lobes
            nearest = focus_depth > depth
            depth[nearest] = focus_depth[nearest]
            rim[nearest] = focus.rim
        limit = np.minimum(section.outline - 1, -bodies.ventricles - 0.5)
        limit = np.minimum(limit, np.maximum(bodies.midline - 1.0, section.outline - 25))
        thickness = np.maximum(rim * (1 + 0.5 * section.sample(self.shape.rim)), 0.35 * rim)
        return np.minimum(depth, limit), thickness

    def _affinity(self, section: Section, bodies: Bodies) -> Array:
        """How easily oedema reaches a voxel, in mm: it falls with the distance travelled."""
        if self.spread is None:
            raise RuntimeError("grow the tumour before asking for its oedema")
        where = [
            (p - np.float32(a[0])) / np.float32(a[1] - a[0])
            for p, a in zip(section.position[::-1], self.axes, strict=True)
        ]
        distance = ndimage.map_coordinates(self.spread, where, order=1, mode="nearest")
        noise = 3.4 * section.sample(self.shape.fingers) + 1.2 * section.sample(self.shape.fringe)
        cortex = 11 * np.clip(0.5 - bodies.cortex / 2.0, 0, 1)
        fluid = 40 * (np.clip(0.5 - bodies.pial, 0, 1) + np.clip(0.5 + bodies.ventricles, 0, 1))
        return np.asarray(noise - distance - cortex - fluid, dtype=np.float32)


def plan_volume(rng: np.random.Generator) -> float:
    """Draw the volume of a whole tumour in ml: mean 95, from about 5 to 250."""
    return float(np.clip(rng.gamma(_GAMMA_SHAPE, _GAMMA_SCALE), *VOLUME_RANGE))


def plan_tumour(
    rng: np.random.Generator, section: Section, white_depth: Array, ml: float, growth: float
) -> Tumour:
    """Draw the cores of a tumour of ``ml`` in a healthy head; ``growth`` scales only their volume.

    The random numbers do not depend on ``growth``, so that all scans of a patient share them.
    """
    foci_count = int(rng.integers(2, 4)) if rng.uniform() < _SEVERAL else 1
    enhancing = bool(rng.uniform() >= _UNENHANCED)
    core = ml * (1 - rng.uniform(0.35, 0.8)) * growth
    shares = rng.dirichlet(np.full(foci_count, 2.5))
    first = _choose_centre(rng, section, white_depth)
    foci: list[Focus] = []
    for share in shares:
        centre = first if not foci else _satellite(rng, section, white_depth, first)
        radius = float(np.cbrt(3000 * core * max(share, 0.08) / (4 * np.pi)))
        foci.append(_focus(rng, centre, radius))
    return Tumour(foci, Shape(rng), enhancing=enhancing)


def _focus(rng: np.random.Generator, centre: Triple, radius: float) -> Focus:
    rim = rng.uniform(1.5, 4) + 0.05 * radius
    solid = rng.uniform() < _SOLID
    log_stretch = rng.normal(0, 0.13, (3, 3))
    log_stretch = (log_stretch + log_stretch.T) / 2
    log_stretch -= np.eye(3) * np.trace(log_stretch) / 3
    # The matrix exponential to second order: its determinant is 1 to within a per cent.
    stretch = np.eye(3) + log_stretch + 0.5 * np.einsum("ij,jk->ik", log_stretch, log_stretch)
    push = rng.uniform(0.15, 0.5)
    irregularity = rng.uniform(0.12, 0.3)
    return Focus(centre, radius, stretch, irregularity, np.inf if solid else rim, push)


def _choose_centre(rng: np.random.Generator, section: Section, white_depth: Array) -> Triple:
    """Draw a point in white matter, preferably near the middle slice."""
    u = rng.uniform(-1, 1)
    height = 7 + 44 * np.sign(u) * abs(u) ** 0.5
    near = np.exp(-0.5 * ((section.position.z - height) / 6) ** 2)
    return _pick(rng, section, near * _favour(section, white_depth))


def _satellite(
    rng: np.random.Generator, section: Section, white_depth: Array, first: Triple
) -> Triple:
    offset = [p - np.float32(c) for p, c in zip(section.position, first, strict=True)]
    away = np.sqrt(sum(o * o for o in offset))
    near = np.exp(-0.5 * ((away - rng.normal(38, 12)) / 5) ** 2)
    return _pick(rng, section, near * _favour(section, white_depth))


def _favour(section: Section, white_depth: Array) -> Array:
    """Gliomas grow in the lobes' white matter, rarely at the midline or below the tentorium."""
    lateral = np.clip((np.abs(section.points.x) - 8) / 12, 0.05, 1)
    below_tent = np.maximum(section.parts.cerebellum, section.parts.stem) > 0
    return np.clip(white_depth / 6, 0, 1) * lateral * np.where(below_tent, 0.02, 1)


def _pick(rng: np.random.Generator, section: Section, weight: Array) -> Triple:
    total = np.cumsum(weight.astype(np.float64) + 1e-12)
    index = int(np.searchsorted(total, rng.uniform() * total[-1]))
    x, y, z = (float(c[index]) for c in section.position)
    return (x, y, z)


def _heat_distance(source: Mask, conductance: Array, spacing: float) -> Array:
    """Distance in mm that heat from ``source`` appears to have travelled, both (z, y, x).

    The temperature of a plane front after time t is erfc(d / (2 sqrt t)); d solved from the
    temperature is a geodesic distance that prefers good conductors and rounds corners.
    """
    steps, step = 70, 0.16
    heat = source.astype(np.float32)
    edges = []
    for axis in range(3):
        low, high = _neighbours(conductance, axis)
        edges.append(np.float32(step) * 2 * low * high / (low + high + np.float32(1e-6)))
    for _ in range(steps):
        change = np.zeros_like(heat)
        for axis, edge in enumerate(edges):
            low, high = _neighbours(heat, axis)
            flow = edge * (high - low)
            into_low, into_high = _neighbours(change, axis)
            into_low += flow
            into_high -= flow
        heat += change
        heat[source] = 1
    far = 2 * np.sqrt(steps * step) * spacing
    distance: Array = far * special.erfcinv(np.clip(heat, 1e-12, 1))
    return distance.astype(np.float32)


def _neighbours(values: Array, axis: int) -> tuple[Array, Array]:
    """Views on all pairs of neighbours along an axis."""
    first = [slice(None)] * 3
    second = [slice(None)] * 3
    first[axis], second[axis] = slice(None, -1), slice(1, None)
    return values[tuple(first)], values[tuple(second)]
