"""The scores of an entry: over its seeds, over the patients, and of each patient."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lightning_app.metrics.count_table import ratio
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


def score_measure(entry: Entry, index: int, score: CountScore | VolumeScore) -> Measure:
    """A score of an entry, of the class with that index; undefined if one of its runs lacks it.

    The interval of several seeds is that of their mean, over patients.
    """
    terms = terms_by_seed(entry, index, score)
    if terms is None:
        return Measure(None)
    target = entry.first.table.classes[index]
    results = [
        (run.scores if isinstance(score, CountScore) else run.volumes)[target][score.name]
        for run in entry.runs
    ]
    return _measure(score, results, terms)


def terms_by_seed(entry: Entry, index: int, score: CountScore | VolumeScore) -> list[Ratio] | None:
    """For each seed the terms of a score by patient, of the class with that index.

    None if a run lacks the score.
    """
    if isinstance(score, CountScore):
        return [patient_terms(run.table, index, score) for run in entry.runs]
    tables = [None if score.name in run.missing else run.volume_table for run in entry.runs]
    known = [table for table in tables if table is not None]
    if len(known) < len(tables):
        return None
    return [volume_terms(table, index, score) for table in known]


def patient_values(entry: Entry, index: int, score: VolumeScore) -> NDArray[np.float64] | None:
    """A score of each patient, a mean over cases and seeds, patients in alphabetical order.

    NaN if it is undefined for a patient; None if a run lacks the score.
    """
    terms = terms_by_seed(entry, index, score)
    if terms is None:
        return None
    values = [ratio(term.numerators, term.denominators, undefined=np.nan) for term in terms]
    mean: NDArray[np.float64] = np.mean(values, axis=0)
    return mean


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
