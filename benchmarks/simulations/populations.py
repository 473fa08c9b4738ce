"""Simulated patients: tumours of realistic sizes, and the masks of networks.

A case is one slice of 240 x 240. Its tumour has the size of a real one, or it has none. A network's
Dice on it is higher for larger tumours; the network misses some small tumours altogether, and
marks something on some slices without tumour.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
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
    """

    name: str
    quality: float
    spread: float
    missed: float
    stray: float
    scale: float = 1.0


POPULATIONS = (
    Population("easy: Dice 0.94", quality=2.8, spread=0.8, missed=0.02, stray=0.15),
    Population("hard: Dice 0.69", quality=0.8, spread=1.2, missed=0.06, stray=0.35),
    Population("small: Dice 0.70", quality=1.6, spread=1.1, missed=0.05, stray=0.25, scale=0.25),
)

SHARED = 0.7  # part of the variance of quality that is the patient's, the same for all networks


def simulate(
    population: Population, patients: int, shifts: Sequence[float], rng: np.random.Generator
) -> list[Counts]:
    """The counts of each set of weights on the same patients, one case each.

    Args:
        population: of the patients.
        patients: their number.
        shifts: quality of each set of weights above that of the population.
        rng: source of the random numbers.
    """
    sizes = rng.choice(SIZES, patients) * np.exp(rng.normal(0, 0.2, patients))
    sizes = np.round(sizes * population.scale)
    difficulty = rng.normal(0, 1, patients)
    luck = rng.random((2, patients))
    return [_counts(population, sizes, difficulty, luck, shift, rng) for shift in shifts]


def _counts(
    population: Population,
    sizes: Floats,
    difficulty: Floats,
    luck: NDArray[np.float64],
    shift: float,
    rng: np.random.Generator,
) -> Counts:
    patients, tumour = len(sizes), sizes > 0
    own = rng.normal(0, 1, patients)
    noise = population.spread * (np.sqrt(SHARED) * difficulty + np.sqrt(1 - SHARED) * own)
    relative = np.maximum(sizes, 1) / population.scale
    dice = expit(population.quality + shift + 0.5 * np.log(relative / TYPICAL) + noise)
    predicted = sizes * np.exp(rng.normal(0, 0.6, patients) * (1 - dice))
    tp = np.minimum(dice * (sizes + predicted) / 2, np.minimum(sizes, predicted))
    missed = _lucky(luck[0], rng) < np.minimum(
        population.missed * (MISSED_BELOW / relative) ** 2, 0.6
    )
    tp, predicted = (np.where(missed | ~tumour, 0, values) for values in (tp, predicted))
    stray = np.exp(rng.normal(math.log(50), 1.4, patients))
    chance = np.where(tumour, population.stray / 2, population.stray)
    fp = predicted - tp + np.where(_lucky(luck[1], rng) < chance, stray, 0)
    tp, fp = (np.round(values).astype(np.float64) for values in (tp, fp))
    fn = sizes - tp
    return Counts(tp, fp, fn, PIXELS - tp - fp - fn)


def _lucky(shared: Floats, rng: np.random.Generator) -> Floats:
    """Uniform numbers; a part of the patients has the same for all networks."""
    own = rng.random(len(shared))
    return np.where(rng.random(len(shared)) < SHARED, shared, own)
