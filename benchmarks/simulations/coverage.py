"""How often intervals contain the score of all patients, by number of patients."""

from collections import defaultdict
from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.simulations.methods import METHODS
from benchmarks.simulations.populations import POPULATIONS, Population, simulate
from lightning_app.metrics.count_scores import SCORES
from lightning_app.metrics.count_table import COUNTS, Counts
from lightning_app.metrics.intervals import FEWEST_PATIENTS, Interval, Ratio, score_interval
from lightning_app.metrics.paired_tests import compare_paired
from lightning_app.metrics.score import CountScore, Terms, VolumeScore, mean
from lightning_app.metrics.volume_scores import VOLUME_SCORES

PATIENTS = (12, 15, 20, 30, 57, 126)
ALL_PATIENTS = 1_000_000
PROGRAM = "program"
# One score of each kind; the others of a kind are computed in the same way.
COMPARED = ("dice", "recall", "specificity", "miou", "dice_case_tumour", "empty_right")

_SCORES: dict[str, tuple[CountScore | VolumeScore, Callable[[Counts], Terms]]] = {
    **{score.name: (score, score.terms) for score in SCORES},
    "volume_error": (
        next(score for score in VOLUME_SCORES if score.name == "volume_error"),
        lambda c: mean(np.abs(c.predicted - c.reference) / 1000, c.pixels > 0),
    ),
}

# Counts of intervals: that contain the value, lie above it, lie below it.
Tally = dict[tuple[str, str, int], list[float]]


def table(repetitions: int, seed: int) -> Iterator[str]:
    """Lines of a Markdown table: coverage in % (share of intervals above / below the value)."""
    yield f"| population | score | interval | {' | '.join(map(str, PATIENTS))} |"
    yield f"| --- | --- | --- |{' ---: |' * len(PATIENTS)}"
    for number, population in enumerate(POPULATIONS):
        rng = np.random.default_rng([seed, number])
        for (score, method), row in _rows(population, repetitions, rng).items():
            yield f"| {population.name} | `{score}` | {method} | {' | '.join(row)} |"


def differences(repetitions: int, seed: int) -> Iterator[str]:
    """The same of the difference between two networks, of which the first is better."""
    yield f"| population | score | {' | '.join(map(str, PATIENTS))} |"
    yield f"| --- | --- |{' ---: |' * len(PATIENTS)}"
    for number, population in enumerate(POPULATIONS):
        rng = np.random.default_rng([seed, number])
        everybody = _pairs(population, ALL_PATIENTS // population.slices, rng)
        for name, pair in everybody.items():
            true = pair[0].numerators.sum() - pair[1].numerators.sum()
            true /= pair[0].denominators.sum()
            row = []
            for patients in PATIENTS:
                outcomes = [0.0, 0.0, 0.0]
                for _ in range(repetitions):
                    first, second = _pairs(population, patients, rng)[name]
                    found = compare_paired([first], [second])
                    if found is not None and found.interval is not None:
                        outcomes[_outcome(true, found.interval)] += 1
                row.append(_cell(outcomes, repetitions))
            yield f"| {population.name} | `{name}` | {' | '.join(row)} |"


def _pairs(
    population: Population, patients: int, rng: np.random.Generator
) -> dict[str, tuple[Ratio, Ratio]]:
    first, second = (
        dict(_ratios(c, patients)) for c in simulate(population, patients, [0.4, 0.0], rng)
    )
    return {name: (first[name], second[name]) for name in ("dice_case_tumour", "empty_right")}


def _rows(
    population: Population, repetitions: int, rng: np.random.Generator
) -> dict[tuple[str, str], list[str]]:
    many = ALL_PATIENTS // population.slices
    everybody = _ratios(simulate(population, many, [0.0], rng)[0], many)
    true = {name: ratio.numerators.sum() / ratio.denominators.sum() for name, ratio in everybody}
    tally: Tally = defaultdict(lambda: [0, 0, 0])
    for patients in PATIENTS:
        for _ in range(repetitions):
            for name, ratio in _ratios(simulate(population, patients, [0.0], rng)[0], patients):
                if ratio.patients < FEWEST_PATIENTS:
                    continue
                for method, interval in _intervals(name, ratio, rng):
                    if interval is not None:
                        tally[name, method, patients][_outcome(true[name], interval)] += 1
    rows: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, method in sorted({key[:2] for key in tally}, key=_order):
        for patients in PATIENTS:
            rows[name, method].append(_cell(tally[name, method, patients], repetitions))
    return rows


def _intervals(
    name: str, ratio: Ratio, rng: np.random.Generator
) -> Iterator[tuple[str, Interval | None]]:
    score, _ = _SCORES[name]
    yield PROGRAM, score_interval([ratio], score.bounds, averaged=score.averaged)
    if name in COMPARED:
        for method, interval in METHODS.items():
            yield method, interval(ratio, rng)


def _ratios(slices: Counts, patients: int) -> list[tuple[str, Ratio]]:
    """Every score's terms by patient; the slices of a patient are a case."""
    by_slice = [getattr(slices, name) for name in COUNTS]
    cases = Counts(*(values.reshape(patients, -1).sum(axis=1) for values in by_slice))
    ratios = []
    for name, (score, terms) in _SCORES.items():
        units = terms(slices if score.level == "slice" else cases)
        ratios.append((name, Ratio(*(part.reshape(patients, -1).sum(axis=1) for part in units))))
    return ratios


def _outcome(true: float, interval: Interval) -> int:
    """0 if the interval contains the value, 1 if it lies above it, 2 if below."""
    low, high = interval
    return 1 if true < low else 2 if true > high else 0


def _cell(outcomes: list[float], repetitions: int) -> str:
    total = sum(outcomes)
    if total < 0.05 * repetitions:  # too few of the simulated tests have an interval
        return "-"
    covered, above, below = (100 * number / total for number in outcomes)
    return f"{covered:.1f} ({above:.1f} / {below:.1f})"


def _order(key: tuple[str, str]) -> tuple[int, int]:
    name, method = key
    return list(_SCORES).index(name), [PROGRAM, *METHODS].index(method)
