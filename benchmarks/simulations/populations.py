"""Simulated patients: tumours of realistic sizes, and the masks of networks.

A patient has one slice of 240 x 240 or several. The largest area of a tumour is that of a real one
in the middle slice, or there is none. A network's Dice on a slice is higher for larger areas; the
network misses some small tumours altogether, and marks something on some slices without tumour.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from lightning_app.metrics.count_table import Counts, Floats

PIXELS = 240 * 240
TYPICAL = 1800  # pixels
MISSED_BELOW = 1000  # pixels; the chance of a miss falls with the square of the size

# Pixels of the whole tumour in the middle slice of 60 patients: 22 gliomas of BraTS and 38
# lower-grade gliomas of TCGA.
SIZES = (
    2380, 1483, 3933, 1538, 3869, 3313, 446, 3298, 323, 5013, 206, 450, 4035, 1587, 2141, 2380,
    701, 0, 1907, 79, 1880, 1789, 1539, 4132, 395, 1384, 0, 810, 0, 1946, 1297, 5634, 0, 3749, 0,
    1513, 0, 0, 1636, 647, 0, 123, 4472, 3946, 6814, 2473, 1234, 2691, 0, 3701, 4098, 1689, 0, 757,
    2565, 2412, 0, 4978, 3181, 5808,
)  # fmt: skip


@dataclass(frozen=True)
class Population:
    """Patients, and how well networks do on them.

    Attributes:
        name: of it.
        quality: of a network on a tumour of typical size, on the logit scale of Dice.
        spread: of the quality over patients.
        missed: chance that a tumour of 1,000 pixels is missed.
        stray: chance that something is marked on a slice without tumour.
        scale: of the tumours' sizes; below 1 for a target such as the enhancing tumour.
        slices: of each patient.
    """

    name: str
    quality: float
    spread: float
    missed: float
    stray: float
    scale: float = 1.0
    slices: int = 1


POPULATIONS = (
    Population("easy: Dice 0.94", quality=2.8, spread=0.8, missed=0.02, stray=0.15),
    Population("hard: Dice 0.69", quality=0.8, spread=1.2, missed=0.06, stray=0.35),
    Population("small: Dice 0.72", quality=1.0, spread=1.1, missed=0.05, stray=0.25, scale=0.25),
    Population("20 slices: Dice 0.83", quality=1.8, spread=1.0, missed=0.03, stray=0.1, slices=20),
)

SHARED = 0.7  # part of the variance of quality that is the patient's, the same for all networks


def simulate(
    population: Population, patients: int, shifts: Sequence[float], rng: np.random.Generator
) -> list[Counts]:
    """The counts of each set of weights on the slices of the same patients, patient by patient.

    Args:
        population: of the patients.
        patients: their number.
        shifts: quality of each set of weights above that of the population.
        rng: source of the random numbers.
    """
    sizes = rng.choice(SIZES, patients) * np.exp(rng.normal(0, 0.2, patients))
    sizes = np.round(sizes * population.scale)
    draws = _Patients(
        sizes, _shares(sizes, population, rng), rng.normal(0, 1, patients), rng.random(patients),
        rng.random((patients, population.slices)), np.exp(rng.normal(0, 1, patients)),
    )  # fmt: skip
    return [_counts(population, draws, shift, rng) for shift in shifts]


@dataclass(frozen=True)
class _Patients:
    """What all networks share: (patients,) each, shares and stray (patients, slices)."""

    sizes: Floats
    shares: Floats
    difficulty: Floats
    miss: Floats
    stray: Floats
    noisiness: Floats


def _shares(sizes: Floats, population: Population, rng: np.random.Generator) -> Floats:
    """The area in each slice as a share of the largest, (patients, slices): a parabola."""
    if population.slices == 1:
        return np.ones((len(sizes), 1))
    heights = np.linspace(-1, 1, population.slices)
    centre = rng.uniform(-0.5, 0.5, (len(sizes), 1))
    extent = np.clip(np.sqrt(sizes / max(SIZES)), 0.15, 0.8)[:, None]
    shares: Floats = np.maximum(0.0, 1 - ((heights - centre) / extent) ** 2)
    return shares


def _counts(
    population: Population, patients: _Patients, shift: float, rng: np.random.Generator
) -> Counts:
    areas = np.round(patients.sizes[:, None] * patients.shares)
    shape, tumour = areas.shape, areas > 0
    own = rng.normal(0, 1, (len(areas), 1))
    noise = np.sqrt(SHARED) * patients.difficulty[:, None] + np.sqrt(1 - SHARED) * own
    relative = np.maximum(areas, 1) / population.scale
    level = population.quality + shift + 0.5 * np.log(relative / TYPICAL)
    dice = expit(level + population.spread * noise)
    predicted = areas * np.exp(rng.normal(0, 0.6, shape) * (1 - dice))
    tp = np.minimum(dice * (areas + predicted) / 2, np.minimum(areas, predicted))
    largest = np.maximum(patients.sizes, 1) / population.scale
    chance = np.minimum(population.missed * (MISSED_BELOW / largest) ** 2, 0.6)
    seen = (_lucky(patients.miss, rng) >= chance)[:, None] & tumour
    tp, predicted = np.where(seen, tp, 0), np.where(seen, predicted, 0)
    noisy = patients.noisiness[:, None] if population.slices > 1 else 1.0
    chance_of_stray = population.stray * noisy * np.where(tumour, 0.5, 1.0)
    stray = np.exp(rng.normal(math.log(50), 1.4, shape))
    fp = predicted - tp + np.where(_lucky(patients.stray, rng) < chance_of_stray, stray, 0)
    tp, fp = (np.round(values).astype(np.float64).ravel() for values in (tp, fp))
    fn = areas.ravel() - tp
    return Counts(tp, fp, fn, PIXELS - tp - fp - fn)


def _lucky(shared: Floats, rng: np.random.Generator) -> Floats:
    """Uniform numbers; a part of the patients has the same for all networks."""
    own = rng.random(shared.shape)
    return np.where(rng.random(shared.shape) < SHARED, shared, own)
