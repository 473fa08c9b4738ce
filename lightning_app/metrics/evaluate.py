"""The values of scores, with intervals, from tables of counts and of volumes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from lightning_app.metrics.case_masks import VolumeTable
from lightning_app.metrics.count_scores import SCORES
from lightning_app.metrics.count_table import CountTable, Floats
from lightning_app.metrics.intervals import Ratio, score_interval
from lightning_app.metrics.score import CountScore, Result, Score, VolumeScore

# By class, then by name of the score.
Results = Mapping[str, Mapping[str, Result]]


def evaluate(table: CountTable) -> dict[str, dict[str, float | None]]:
    """The value of every count score, by class and name; None if a score is undefined."""
    return {
        name: {score.name: _value(*score.unit_terms(table, index)[:2]) for score in SCORES}
        for index, name in enumerate(table.classes)
    }


def count_results(
    table: CountTable, scores: Sequence[CountScore] = SCORES
) -> dict[str, dict[str, Result]]:
    """Count scores with their intervals over patients, by class and name."""
    return {
        name: {score.name: _result(score, patient_terms(table, index, score)) for score in scores}
        for index, name in enumerate(table.classes)
    }


def volume_results(
    table: VolumeTable, scores: Sequence[VolumeScore]
) -> dict[str, dict[str, Result]]:
    """Volume scores with their intervals over patients, by class and name."""
    return {
        name: {score.name: _volume_result(table, index, score) for score in scores}
        for index, name in enumerate(table.classes)
    }


def patient_terms(table: CountTable, index: int, score: CountScore) -> Ratio:
    """A score's numerators and denominators, (patients,) each, of the class with that index.

    The patients are in alphabetical order.
    """
    return ratio_by_patient(*score.unit_terms(table, index))


def volume_terms(table: VolumeTable, index: int, score: VolumeScore) -> Ratio:
    """The same for a volume score."""
    return ratio_by_patient(*score.unit_terms(table, index))


def ratio_by_patient(numerators: Floats, denominators: Floats, patients: Sequence[str]) -> Ratio:
    """Terms of units added up by patient, patients in alphabetical order."""
    _, index = np.unique(patients, return_inverse=True)
    sums = (np.bincount(index, values) for values in (numerators, denominators))
    return Ratio(*(values.astype(np.float64) for values in sums))


def monitored_dice(table: CountTable) -> float:
    """The mean of pooled ``dice`` over the classes that the ground truth contains.

    That is a fixed set of classes, and each of them has a defined Dice, so the value is always a
    number. 0 if the ground truth contains none of them.
    """
    pooled = table.pooled()
    present = pooled.reference > 0
    return float(pooled.dice(empty=0)[present].mean()) if present.any() else 0.0


def case_dice(table: CountTable) -> Floats:
    """Dice of each case of a table by case, (cases, classes); 1 if both masks are empty."""
    classes = range(len(table.classes))
    return np.stack([table.of_class(index).dice(empty=1) for index in classes], axis=1)


def accuracy_of_nothing(table: CountTable) -> dict[str, float]:
    """By class, the accuracy of predicting no pixel at all."""
    pooled = table.pooled()
    shares = (pooled.fp + pooled.tn) / pooled.pixels
    return dict(zip(table.classes, shares.tolist(), strict=True))


def _volume_result(table: VolumeTable, index: int, score: VolumeScore) -> Result:
    cases = int(np.count_nonzero(~np.isnan(table.values[score.name][:, index])))
    return replace(_result(score, volume_terms(table, index, score)), n=cases)


def _result(score: Score, ratio: Ratio) -> Result:
    interval = score_interval([ratio], score.bounds, averaged=score.averaged)
    return Result(_value(*ratio), interval)


def _value(numerators: Floats, denominators: Floats) -> float | None:
    total = denominators.sum()
    return float(numerators.sum() / total) if total > 0 else None
