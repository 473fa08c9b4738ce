"""Every score, computed from one table of counts.

Each score is a ratio of two sums over slices or cases. That makes a score of any subset, and so a
bootstrap over patients, a matter of adding up.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lightning_app.metrics.bootstrap import Interval, bootstrap_interval
from lightning_app.metrics.count_table import Counts, CountTable, Floats

Terms = tuple[Floats, Floats]


def _mean(values: Floats, counted: NDArray[np.bool_]) -> Terms:
    """Terms of a mean over the units that count."""
    return np.where(counted, values, 0), counted.astype(np.float64)


def _ratio(over: Floats, under: Floats, undefined: float = 0) -> Floats:
    return np.divide(over, under, out=np.full_like(over, undefined), where=under > 0)


def _dice(c: Counts, undefined: float = 0) -> Floats:
    return _ratio(2 * c.tp, c.predicted + c.true, undefined)


@dataclass(frozen=True)
class Score:
    """One score: a sum of numerators over a sum of denominators.

    Attributes:
        name: what it is called everywhere.
        definition: what it is, for the tables.
        unit: over what the sums run.
        terms: numerator and denominator of each unit.
        in_tables: whether printed tables show it; the files hold all.
    """

    name: str
    definition: str
    unit: Literal["slice", "case"]
    terms: Callable[[Counts], Terms]
    in_tables: bool = True


SCORES = (
    Score(
        "dice",
        "pooled over all pixels: 2 tp / (2 tp + fp + fn)",
        "slice",
        lambda c: (2 * c.tp, c.predicted + c.true),
    ),
    Score("iou", "pooled: tp / (tp + fp + fn)", "slice", lambda c: (c.tp, c.union)),
    Score(
        "miou",
        "mean IoU of the slices with the class in truth or prediction",
        "slice",
        lambda c: _mean(_ratio(c.tp, c.union), c.union > 0),
    ),
    Score("accuracy", "pooled share of right pixels", "slice", lambda c: (c.tp + c.tn, c.pixels)),
    Score("precision", "pooled: tp / (tp + fp)", "slice", lambda c: (c.tp, c.predicted)),
    Score("recall", "pooled: tp / (tp + fn)", "slice", lambda c: (c.tp, c.true)),
    Score("specificity", "pooled: tn / (tn + fp)", "slice", lambda c: (c.tn, c.tn + c.fp)),
    Score(
        "dice_case",
        "mean Dice of the cases; 1 where truth and prediction are empty",
        "case",
        lambda c: _mean(_dice(c, undefined=1), c.pixels > 0),
    ),
    Score(
        "dice_case_tumour",
        "mean Dice of the cases whose truth is not empty",
        "case",
        lambda c: _mean(_dice(c), c.true > 0),
    ),
    Score(
        "empty_right",
        "share of the empty slices that are predicted empty",
        "slice",
        lambda c: _mean((c.predicted == 0).astype(np.float64), c.true == 0),
    ),
    Score(
        "dice_slice",
        "mean Dice of the slices with the class in truth or prediction",
        "slice",
        lambda c: _mean(_dice(c), c.union > 0),
        in_tables=False,
    ),
    Score(
        "miou_empty0",
        "mean IoU of all slices; 0 where truth and prediction are empty",
        "slice",
        lambda c: _mean(_ratio(c.tp, c.union), c.pixels > 0),
        in_tables=False,
    ),
    Score(
        "miou_empty1",
        "mean IoU of all slices; 1 where truth and prediction are empty",
        "slice",
        lambda c: _mean(_ratio(c.tp, c.union, undefined=1), c.pixels > 0),
        in_tables=False,
    ),
)


@dataclass(frozen=True)
class Result:
    """A score's value and its 95 % interval; None where undefined or not to be had."""

    value: float | None
    interval: Interval | None


def evaluate(table: CountTable) -> dict[str, dict[str, float | None]]:
    """The value of every score, by class and name; None where a score is undefined."""
    return {
        name: {score.name: _value(*_terms(table, index, score)[:2]) for score in SCORES}
        for index, name in enumerate(table.classes)
    }


def evaluate_with_intervals(table: CountTable, seed: int) -> dict[str, dict[str, Result]]:
    """Every score with its bootstrap interval over patients, by class and name."""
    results: dict[str, dict[str, Result]] = {}
    for index, name in enumerate(table.classes):
        results[name] = {}
        for score in SCORES:
            over, under = patient_terms(table, index, score)
            interval = bootstrap_interval(over, under, seed=seed)
            results[name][score.name] = Result(_value(over, under), interval)
    return results


def monitored_dice(table: CountTable) -> float:
    """The mean of pooled ``dice`` over the classes that the truth holds.

    That is a fixed set of classes, and each of them has a defined Dice; so the value is always a
    number. 0 where the truth holds none.
    """
    dice = evaluate_dice(table)
    present = table.counts[:, :, [0, 2]].sum(axis=(0, 2)) > 0
    return float(dice[present].mean()) if present.any() else 0.0


def evaluate_dice(table: CountTable) -> Floats:
    """Pooled Dice (classes,); 0 where undefined."""
    tp, fp, fn, _ = np.moveaxis(table.counts.sum(axis=0).astype(np.float64), -1, 0)
    return _ratio(2 * tp, 2 * tp + fp + fn)


def case_dice(table: CountTable) -> Floats:
    """Dice of each case of a table by case, (cases, classes); 1 where both are empty."""
    return np.stack(
        [
            _dice(Counts(*table.counts[:, index].astype(np.float64).T), undefined=1)
            for index in range(len(table.classes))
        ],
        axis=1,
    )


def accuracy_of_nothing(table: CountTable) -> dict[str, float]:
    """By class, the accuracy of predicting no pixel at all."""
    tp, fp, fn, tn = np.moveaxis(table.counts.sum(axis=0).astype(np.float64), -1, 0)
    shares = (fp + tn) / (tp + fp + fn + tn)
    return dict(zip(table.classes, shares.tolist(), strict=True))


def patient_terms(table: CountTable, index: int, score: Score) -> Terms:
    """A score's numerators and denominators, (patients,) each, of the class with that index.

    The patients are in alphabetical order.
    """
    over, under, patients = _terms(table, index, score)
    _, place = np.unique(patients, return_inverse=True)
    return np.bincount(place, over).astype(np.float64), np.bincount(place, under).astype(np.float64)


def _terms(table: CountTable, index: int, score: Score) -> tuple[Floats, Floats, Sequence[str]]:
    units = table if score.unit == "slice" else table.by_case()
    counts = Counts(*units.counts[:, index].astype(np.float64).T)
    return (*score.terms(counts), units.patients)


def _value(over: Floats, under: Floats) -> float | None:
    total = under.sum()
    return float(over.sum() / total) if total > 0 else None
