"""One case: a patient's head at one time, imaged by one scanner."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import floor

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from data_modules.phantom import scanner
from data_modules.phantom.anatomy import grids
from data_modules.phantom.anatomy.brain import Anatomy, Mixture
from data_modules.phantom.anatomy.distractors import Distractors
from data_modules.phantom.anatomy.fields import Grid, RandomField
from data_modules.phantom.anatomy.geometry import Array, ramp
from data_modules.phantom.anatomy.head import Section
from data_modules.phantom.anatomy.tissue import CONCENTRATION_RIM
from data_modules.phantom.anatomy.tumour import (
    VOLUME_RANGE,
    Depths,
    Tumour,
    plan_tumour,
    plan_volume,
)

NECROSIS, OEDEMA, ENHANCING = 1, 2, 3  # BraTS 2023's labels
# BraTS 2023: 118 of 1,133 patients were scanned twice.
_TWICE, _PATIENTS = 118, 1133
# Streams of random numbers. Adding a stream does not change the others.
_SCHEDULE, _ANATOMY, _TUMOUR, _DISTRACTORS, _GROWTH, _SCAN, _CHANNEL, _NOISE = range(8)


@dataclass(frozen=True)
class CaseId:
    """A scan of a patient."""

    patient: int
    time: int

    def __str__(self) -> str:
        return f"BraTS-GLI-{self.patient:05d}-{self.time:03d}"


@dataclass(frozen=True)
class PhantomCase:
    """Images (depth, 240, 240) int16 by modality, and labels of the same shape, uint8 in 0..3."""

    name: str
    images: dict[str, NDArray[np.int16]]
    labels: NDArray[np.uint8]


def case_ids(seed: int, cases: int) -> list[CaseId]:
    """The ids of the first ``cases`` scans of a seed; a longer list starts with the shorter one."""
    offset = _rng(seed, 0, _SCHEDULE).uniform()
    ids: list[CaseId] = []
    patient = 0
    while len(ids) < cases:
        before, after = (floor(offset + (patient + i) * _TWICE / _PATIENTS) for i in (0, 1))
        ids += [CaseId(patient, time) for time in range(1 + after - before)]
        patient += 1
    return ids[:cases]


def phantom_case(
    seed: int, index: int, depth: int, modalities: Sequence[str] = scanner.MODALITIES
) -> PhantomCase:
    """Make case ``index`` of a seed in memory, with ``depth`` slices."""
    case = case_ids(seed, index + 1)[index]
    patient = Patient(seed, case)
    channels = _channels(seed, case, modalities)
    shape = (depth, grids.SIZE, grids.SIZE)
    images = {modality: np.zeros(shape, dtype=np.int16) for modality in modalities}
    labels = np.zeros(shape, dtype=np.uint8)
    for k, height in enumerate(grids.heights(depth)):
        section = patient.anatomy.section(_plane().at_height(height), patient.tumour.displace)
        if not section.inside.any():
            continue
        mixture, section_labels = patient.draw(section)
        labels[k] = grids.full_slice(section_labels)
        for modality, channel in channels.items():
            # Seeded by the height, so that a slice does not depend on the others.
            rng = _rng(seed, *_key(case, modality), _NOISE, round(1000 * (height + 1000)))
            images[modality][k] = grids.full_slice(channel.image(mixture, section, rng))
    return PhantomCase(str(case), images, labels)


class Patient:
    """A patient at the time of a scan: the head, the distractors and the tumour in it."""

    def __init__(self, seed: int, case: CaseId) -> None:
        self.anatomy = Anatomy(_rng(seed, case.patient, _ANATOMY))
        grid = grids.coarse()
        healthy = self.anatomy.section(grid)
        depth = self.anatomy.bodies(healthy).white_depth()
        rng = _rng(seed, case.patient, _DISTRACTORS)
        self.distractors = Distractors(rng, healthy, depth, self.anatomy.atrophy)
        self.tumour = self._tumour(seed, case, healthy, depth)
        self.debris = RandomField(rng, 6)

    def _tumour(self, seed: int, case: CaseId, healthy: Section, depth: Array) -> Tumour:
        rng = _rng(seed, case.patient, _TUMOUR)
        growth = 1.0
        if case.time:
            growth = _rng(seed, case.patient, _GROWTH, case.time).uniform(0.8, 1.4)
        volume = plan_volume(rng)
        tumour = plan_tumour(rng, healthy, depth, volume, growth)
        section = self.anatomy.section(healthy.grid, tumour.displace)
        bodies = self.anatomy.bodies(section)
        mixture = self.anatomy.mixture(section, bodies)
        tumour.grow(section, bodies, mixture, float(np.clip(volume * growth, *VOLUME_RANGE)))
        return tumour

    def draw(self, section: Section) -> tuple[Mixture, NDArray[np.uint8]]:
        """The tissues in a section's voxels, and its labels (z, y, x)."""
        bodies = self.anatomy.bodies(section)
        mixture = self.anatomy.mixture(section, bodies)
        self.distractors.paint(mixture, section, bodies)
        depths = self.tumour.depths(section, bodies)
        self._paint_tumour(mixture, section, depths)
        return mixture, self._labels(section, depths)

    def _paint_tumour(self, mixture: Mixture, section: Section, depths: Depths) -> None:
        shape = self.tumour.shape
        fading = 0.55 + 0.45 * np.clip(depths.oedema / 10, 0, 1)
        oedema = shape.strength * fading * ramp(depths.oedema, shape.edge)
        # Fluid and vessels remain visible within oedema.
        mixture.paint("oedema", oedema * (1 - 0.85 * mixture["csf"] - 0.9 * mixture["blood"]))
        core = ramp(depths.core, 1.4)
        if self.tumour.enhancing:
            mixture.paint("enhancing", core)
            core = ramp(depths.core - depths.rim, 1.6)
        debris = np.clip(0.4 + 0.4 * section.sample(self.debris), 0, 1)
        mixture.paint("necrosis", core)
        mixture.paint("debris", core * debris)

    def _labels(self, section: Section, depths: Depths) -> NDArray[np.uint8]:
        """What an annotator would draw: the bodies slightly displaced, smoothed in the slice."""
        offset = section.sample(self.tumour.shape.annotator)
        core_depth = depths.core + 0.2 * offset
        whole = np.maximum(depths.oedema + 0.7 * offset, core_depth) > 0
        labels = np.where(_smoothed(section, whole), OEDEMA, 0)
        core = _smoothed(section, core_depth > 0) & (labels > 0)
        labels[core] = ENHANCING if self.tumour.enhancing else NECROSIS
        inner = _smoothed(section, core_depth > depths.rim)
        labels[core & inner] = NECROSIS
        return labels.astype(np.uint8)


def _smoothed(section: Section, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A mask of voxels (n,) as an array (z, y, x), without specks and with smooth edges."""
    blurred = ndimage.gaussian_filter(section.unpack(mask.astype(np.float32)), (0, 0.9, 0.9))
    return np.asarray((blurred > 0.5) & section.inside)


def _channels(seed: int, case: CaseId, modalities: Sequence[str]) -> dict[str, scanner.Channel]:
    scan = _rng(seed, case.patient, _SCAN, case.time)
    tissues, rim = scanner.draw_tissues(scan), scan.uniform(*CONCENTRATION_RIM)
    return {
        modality: scanner.Channel(
            _rng(seed, *_key(case, modality), _CHANNEL), modality, tissues, rim
        )
        for modality in modalities
    }


def _key(case: CaseId, modality: str) -> tuple[int, int, int]:
    return case.patient, case.time, scanner.MODALITIES.index(modality)


def _rng(seed: int, *key: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


@cache
def _plane() -> Grid:
    return grids.plane()
