"""The scores of an entry: over its seeds, over the patients, and of each patient."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lightning_app.metrics.evaluate import case_dice, patient_terms, volume_terms
from lightning_app.metrics.intervals import Interval, Ratio, score_interval
from lightning_app.metrics.score import CountScore, Result, Score, VolumeScore
from lightning_app.report.load.cohorts import Entry


@dataclass(frozen=True)
class Measure:
    """A mean over seeds.

    Attributes:
        value: the mean; None if it is undefined, or was not measured, for one of the seeds.
        std: standard deviation over the seeds; None for a single seed.
        interval: 95 % over patients; None if there is none.
    """

    value: float | None
    std: float | None = None
    interval: Interval | None = None

    def times(self, factor: float) -> "Measure":
        """The measure in another unit."""
        interval = self.interval and (factor * self.interval[0], factor * self.interval[1])
        return Measure(_scaled(self.value, factor), _scaled(self.std, factor), interval)


def mean_over_seeds(values: Sequence[float | None]) -> Measure:
    """Mean and sample standard deviation; undefined if one of the values is."""
    defined = [value for value in values if value is not None]
    if not defined or len(defined) < len(values):
        return Measure(None)
    std = float(np.std(defined, ddof=1)) if len(defined) > 1 else None
    return Measure(float(np.mean(defined)), std)


def score_measure(entry: Entry, index: int, score: CountScore) -> Measure:
    """A count score of an entry, of the class with that index.

    The interval of several seeds is that of their mean, over patients.
    """
    target = entry.first.table.classes[index]
    results = [run.scores[target][score.name] for run in entry.runs]
    return _measure(score, results, terms_by_seed(entry, index, score))


def volume_measure(entry: Entry, index: int, score: VolumeScore) -> Measure:
    """A volume score of an entry; undefined if one of its runs lacks the score."""
    target = entry.first.table.classes[index]
    results, terms = [], []
    for run in entry.runs:
        if run.volume_table is None or score.name in run.missing:
            return Measure(None)
        results.append(run.volumes[target][score.name])
        terms.append(volume_terms(run.volume_table, index, score))
    return _measure(score, results, terms)


def terms_by_seed(entry: Entry, index: int, score: CountScore) -> list[Ratio]:
    """For each seed the terms of a score by patient, of the class with that index."""
    return [patient_terms(run.table, index, score) for run in entry.runs]


def dice_by_case(entry: Entry, index: int) -> NDArray[np.float64]:
    """Dice of each case, a mean over seeds, (cases,) in alphabetical order of the cases."""
    dice = [case_dice(run.table.by_case())[:, index] for run in entry.runs]
    mean: NDArray[np.float64] = np.mean(dice, axis=0)
    return mean


def pixels_by_case(entry: Entry, index: int) -> NDArray[np.int64]:
    """Pixels of the class in the ground truth of each case, (cases,) in alphabetical order."""
    pixels = entry.first.table.by_case().of_class(index).reference
    return pixels.astype(np.int64)


def _measure(score: Score, results: Sequence[Result], terms: Sequence[Ratio]) -> Measure:
    if len(results) == 1:
        return Measure(results[0].value, None, results[0].interval)
    measure = mean_over_seeds([result.value for result in results])
    if measure.value is None:
        return measure
    interval = score_interval(terms, score.bounds, averaged=score.averaged)
    return Measure(measure.value, measure.std, interval)


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else factor * value
