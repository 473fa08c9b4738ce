"""What an entry scores: over its seeds, over the patients, and patient by patient."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lightning_app.metrics.bootstrap import Interval, Ratio, combined_interval
from lightning_app.metrics.scores import SCORES, Score, case_dice, patient_terms
from lightning_app.report.load.cohorts import Entry

BOOTSTRAP_SEED = 0
SCORE = {score.name: score for score in SCORES}


@dataclass(frozen=True)
class Measure:
    """A mean over seeds.

    Attributes:
        value: the mean; None where it is undefined, or was not measured, in one of the seeds.
        std: standard deviation over the seeds; None for a single one.
        interval: 95 % bootstrap over patients; None where there is none.
    """

    value: float | None
    std: float | None = None
    interval: Interval | None = None

    def times(self, factor: float) -> "Measure":
        """In another unit."""
        interval = self.interval and (factor * self.interval[0], factor * self.interval[1])
        return Measure(_scaled(self.value, factor), _scaled(self.std, factor), interval)


def mean_over_seeds(values: Sequence[float | None], interval: Interval | None = None) -> Measure:
    """Mean and sample standard deviation; undefined where one of the values is."""
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return Measure(None)
    std = float(np.std(known, ddof=1)) if len(known) > 1 else None
    return Measure(float(np.mean(known)), std, interval)


def score_measure(entry: Entry, index: int, name: str) -> Measure:
    """A score of an entry in the class with that index.

    The interval of several seeds is that of their mean, the same patients drawn for all of them.
    """
    target = entry.first.table.classes[index]
    results = [run.scores[target][name] for run in entry.runs]
    if len(results) == 1:
        return Measure(results[0].value, None, results[0].interval)
    measure = mean_over_seeds([result.value for result in results])
    if measure.value is None:
        return measure
    terms, weights = seed_terms(entry, index, SCORE[name])
    return Measure(measure.value, measure.std, combined_interval(weights, terms, BOOTSTRAP_SEED))


def seed_terms(entry: Entry, index: int, score: Score) -> tuple[list[Ratio], list[float]]:
    """Of each seed the score's terms by patient, and its weight in the mean."""
    terms = [patient_terms(run.table, index, score) for run in entry.runs]
    return terms, [1 / len(terms)] * len(terms)


def dice_by_case(entry: Entry, index: int) -> NDArray[np.float64]:
    """Dice of each case, a mean over seeds, (cases,) in alphabetical order of the cases."""
    dice = [case_dice(run.table.by_case())[:, index] for run in entry.runs]
    mean: NDArray[np.float64] = np.mean(dice, axis=0)
    return mean


def dice_by_patient(entry: Entry, index: int) -> NDArray[np.float64]:
    """Mean Dice of each patient's cases, a mean over seeds, (patients,) in alphabetical order."""
    _, place = np.unique(entry.first.table.by_case().patients, return_inverse=True)
    return np.bincount(place, dice_by_case(entry, index)) / np.bincount(place)


def pixels_by_case(entry: Entry, index: int) -> NDArray[np.int64]:
    """True pixels of each case, (cases,) in alphabetical order."""
    tp, _, fn, _ = entry.first.table.by_case().counts[:, index].T
    pixels: NDArray[np.int64] = tp + fn
    return pixels


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else factor * value
