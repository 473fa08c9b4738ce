"""Settings compared on all patients of a data set, each scored by a network that never saw it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.accuracy.plan import INGREDIENT_FOLDS, SEEDS
from benchmarks.accuracy.settings import (
    INGREDIENTS,
    MONAI,
    PAPER,
    REAL,
    REAL_THIRD,
    SETTINGS,
    SMP,
    TUNED,
    TUNED_FROM,
)
from benchmarks.accuracy.training import FOLDS, Outcome, Training, read_outcome
from benchmarks.utils.rows import Row
from lightning_app.metrics.count_table import Floats
from lightning_app.metrics.intervals import Ratio, score_interval
from lightning_app.metrics.paired_tests import Difference, compare_paired, holm

SCORE = "dice"


@dataclass(frozen=True)
class Pooled:
    """All patients of some folds, for each seed.

    Attributes:
        cases: their ids, sorted.
        ratios: the score, for each seed.
        outcomes: of all trainings.
    """

    cases: Sequence[str]
    ratios: Sequence[Ratio]
    outcomes: Sequence[Outcome]

    @property
    def value(self) -> float:
        """The mean over patients and seeds."""
        return float(np.mean([ratio.numerators.mean() for ratio in self.ratios]))

    def mean(self, score: str) -> float:
        """The mean of another score over the patients that have it, and over seeds."""
        cases = (case for outcome in self.outcomes for case in outcome.cases.values())
        return float(np.mean([value for case in cases if (value := case[score]) is not None]))


def pooled(folder: Path, setting: str, folds: int, seeds: Iterable[int] = (0,)) -> Pooled | None:
    """The outcomes of a setting; None if one is missing."""
    every = [_outcome(folder, setting, fold, seed) for seed in seeds for fold in range(folds)]
    outcomes = [outcome for outcome in every if outcome]
    if not outcomes or len(outcomes) < len(every):
        return None
    cases = sorted(case for outcome in outcomes[:folds] for case in outcome.cases)
    ratios = [
        _ratio(cases, outcomes[start : start + folds]) for start in range(0, len(outcomes), folds)
    ]
    return Pooled(cases, ratios, outcomes)


def rows(folder: Path) -> list[Row]:
    """The table of the data set whose outcomes are in a folder."""
    every = {name: pooled(folder, name, FOLDS) for name in SETTINGS}
    found = {name: outcome for name, outcome in every.items() if outcome}
    return [
        *(_value_row(folder, name, outcome) for name, outcome in every.items()),
        *_tuned_rows(folder),
        *_comparison_rows(folder.name, found),
        *_third_rows(folder.name, found),
        *_ingredient_rows(folder),
        *_seed_rows(folder),
    ]


def _value_row(folder: Path, setting: str, outcome: Pooled | None) -> Row:
    measurement = f"{folder.name}: Dice, {SETTINGS[setting].title}"
    if outcome is None:
        trained = sum(_outcome(folder, setting, fold, 0) is not None for fold in range(FOLDS))
        return Row(measurement, f"not measured: {trained} of {FOLDS} folds trained")
    epochs = outcome.outcomes[0].epochs
    minutes = np.mean([sum(fold.seconds) / 60 for fold in outcome.outcomes])
    conditions = (
        f"{len(outcome.cases)} patients, {epochs} epochs, {minutes:.1f} minutes of CPU; "
        f"lesion-wise Dice {outcome.mean('lesion_dice'):.3f}, "
        f"{outcome.mean('lesions_invented'):.1f} invented lesions a patient"
    )
    interval = score_interval(outcome.ratios, averaged=True)
    value = f"{outcome.value:.3f}{_interval(interval)}"
    return Row(measurement, value, conditions=conditions)


def _tuned_rows(folder: Path) -> Iterator[Row]:
    """Settings after ``tune`` against the same networks without, over all seeds that are tuned."""
    for name, source in TUNED_FROM.items():
        seeds = [seed for seed in range(SEEDS) if pooled(folder, name, FOLDS, [seed])]
        tuned, raw = (pooled(folder, setting, FOLDS, seeds) for setting in (name, source))
        if tuned is None or raw is None:
            continue
        before, after = (outcome.mean("lesion_dice") for outcome in (raw, tuned))
        conditions = (
            f"lesion-wise Dice {before:.3f} before and {after:.3f} after, "
            f"{tuned.mean('lesions_invented'):.1f} invented lesions a patient; "
            f"Dice {raw.value:.3f} and {tuned.value:.3f}; seeds: {', '.join(map(str, seeds))}"
        )
        what = f"{folder.name}: lesion-wise Dice, {TUNED[name].title}"
        ratio = after / before
        yield Row(what, f"{ratio:.2f} times", "at least 2 times", ratio >= 2, conditions)


def _comparison_rows(data: str, found: Mapping[str, Pooled]) -> list[Row]:
    """real.yaml against the others."""
    others = [name for name in (PAPER, MONAI, SMP) if name in found and REAL in found]
    compared = {name: _difference(found[REAL], found[name]) for name in others}
    corrected = holm([difference.p for difference in compared.values()])
    return [
        _difference_row(f"{data}: {SETTINGS[REAL].title} - {SETTINGS[name].title}", difference, p)
        for (name, difference), p in zip(compared.items(), corrected, strict=True)
    ]


def _third_rows(data: str, found: Mapping[str, Pooled]) -> list[Row]:
    """real.yaml in a third of the minutes against the recipe of the paper in all of them."""
    if not {REAL_THIRD, PAPER} <= found.keys():
        return []
    difference = _difference(found[REAL_THIRD], found[PAPER])
    what = f"{data}: {SETTINGS[REAL_THIRD].title} - {SETTINGS[PAPER].title}"
    row = _difference_row(what, difference, difference.p)
    return [replace(row, goal="at least 0", reached=difference.value >= 0)]


def _ingredient_rows(folder: Path) -> list[Row]:
    """Each ingredient against the recipe without it; not corrected, as each decides by itself."""
    paper = pooled(folder, PAPER, INGREDIENT_FOLDS)
    if paper is None:
        return []
    found = {name: pooled(folder, name, INGREDIENT_FOLDS) for name in INGREDIENTS}
    return [
        _difference_row(
            f"{folder.name}: {INGREDIENTS[name].title} - without, {INGREDIENT_FOLDS} folds",
            difference := _difference(outcome, paper),
            difference.p,
            goal="",
        )
        for name, outcome in found.items()
        if outcome
    ]


def _seed_rows(folder: Path) -> list[Row]:
    first, second = (pooled(folder, name, FOLDS, range(SEEDS)) for name in (REAL, PAPER))
    if first is None or second is None:
        return []
    difference = _difference(first, second)
    what = f"{folder.name}: real.yaml - recipe of the paper, {SEEDS} seeds"
    return [_difference_row(what, difference, difference.p)]


def _difference(first: Pooled, second: Pooled) -> Difference:
    difference = compare_paired(first.ratios, second.ratios)
    if difference is None or first.cases != second.cases:
        raise ValueError("the settings were tested on different patients")
    return difference


def _difference_row(
    measurement: str, difference: Difference, p: float | None, goal: str = "above 0"
) -> Row:
    value = f"{difference.value:+.3f}{_interval(difference.interval)}"
    reached = difference.sign_shown(p) == 1 if goal else None
    p_text = "no p" if p is None else f"p {p:.2g}"
    return Row(measurement, value, goal, reached, f"{difference.patients} patients, {p_text}")


def _interval(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else " [{:.3f}, {:.3f}]".format(*interval)


def _outcome(folder: Path, setting: str, fold: int, seed: int) -> Outcome | None:
    path = Training(folder, setting, fold, seed, 0).file(folder)
    return read_outcome(path) if path.is_file() else None


def _ratio(cases: Sequence[str], outcomes: Sequence[Outcome]) -> Ratio:
    scores = {case: values[SCORE] for outcome in outcomes for case, values in outcome.cases.items()}
    numerators: Floats = np.array([scores[case] for case in cases], np.float64)
    return Ratio(numerators, np.ones(len(cases)))
