"""How often two networks are told apart that do not differ, and two that do."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np

from benchmarks.simulations.methods import earlier_verdict, hierarchical_bootstrap
from benchmarks.simulations.populations import POPULATIONS, Population, simulate
from lightning_app.metrics.count_scores import SCORES
from lightning_app.metrics.count_table import Counts
from lightning_app.metrics.intervals import Ratio
from lightning_app.metrics.paired_tests import compare_paired

PATIENTS = (14, 57, 126)
SEED_SPREADS = (0.0, 0.1, 0.2, 0.4)  # of the quality of a network, on the logit scale
GAINS = (0.2, 0.4, 0.8)
_SCORE = {score.name: score for score in SCORES}
QUESTIONS = ("dice_case_tumour", "empty_right")

Pair = tuple[Sequence[Counts], Sequence[Counts]]


def exchangeable(repetitions: int, seed: int) -> Iterator[str]:
    """Two sets of weights, one seed each, whose masks are exchangeable patient by patient."""
    yield "| population | patients | earlier rule | overlap | empty slices |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    for population, patients, rng in _settings(seed):
        pairs = [_exchanged(population, patients, rng) for _ in range(repetitions)]
        cells = [_share(pairs, partial(_earlier, rng)), *_shares_of_questions(pairs)]
        yield f"| {population.name} | {patients} | {' | '.join(cells)} |"


def same_architecture(repetitions: int, seed: int, seeds: int = 3) -> Iterator[str]:
    """Two arms of the same architecture, trained with other seeds."""
    yield (
        "| population | patients | spread over seeds | dice_case_tumour ± | earlier rule, 1 seed "
        f"| earlier rule, {seeds} seeds | hierarchical bootstrap | overlap | empty slices |"
    )
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    for population, patients, rng in _settings(seed):
        for spread in SEED_SPREADS:
            pairs = [
                _trained(population, patients, spread, 0.0, seeds, rng) for _ in range(repetitions)
            ]
            cells = [
                f"{_deviation(population, spread, rng):.3f}",
                _share([(a[:1], b[:1]) for a, b in pairs], partial(_earlier, rng)),
                _share(pairs, partial(_earlier, rng)),
                _share(pairs, partial(_hierarchical, rng)),
                *_shares_of_questions(pairs),
            ]
            yield f"| {population.name} | {patients} | {spread} | {' | '.join(cells)} |"


def power(repetitions: int, seed: int) -> Iterator[str]:
    """How often a difference is found, by its size and the number of seeds."""
    numbers = (1, 3, 5)
    spread = SEED_SPREADS[1]
    heads = " | ".join(f"{number} seeds" if number > 1 else "1 seed" for number in numbers)
    yield f"| population | patients | difference of dice_case_tumour | {heads} |"
    yield f"| --- | ---: | ---: |{' ---: |' * len(numbers)}"
    for population, patients, rng in _settings(seed):
        for gain in GAINS:
            cells = []
            for seeds in numbers:
                pairs = [
                    _trained(population, patients, spread, gain, seeds, rng)
                    for _ in range(repetitions)
                ]
                cells.append(_share(pairs, partial(_ours, QUESTIONS[0])))
            better, worse = _values(simulate(population, 200_000, [gain, 0.0], rng), QUESTIONS[0])
            yield f"| {population.name} | {patients} | {better - worse:.3f} | {' | '.join(cells)} |"


def _settings(seed: int) -> Iterator[tuple[Population, int, np.random.Generator]]:
    for number, population in enumerate(p for p in POPULATIONS if p.slices == 1):
        for patients in PATIENTS:
            yield population, patients, np.random.default_rng([seed, number, patients])


def _exchanged(population: Population, patients: int, rng: np.random.Generator) -> Pair:
    """Two sets of masks, swapped for every second patient at random."""
    better, worse = simulate(population, patients, [0.4, -0.4], rng)
    swapped = rng.random(patients) < 0.5
    names = ("tp", "fp", "fn", "tn")
    columns = [(getattr(better, name), getattr(worse, name)) for name in names]
    first = Counts(*(np.where(swapped, b, a) for a, b in columns))
    second = Counts(*(np.where(swapped, a, b) for a, b in columns))
    return [first], [second]


def _trained(
    population: Population,
    patients: int,
    spread: float,
    gain: float,
    seeds: int,
    rng: np.random.Generator,
) -> Pair:
    """Two networks, each with several seeds; the quality of the first is higher by ``gain``."""
    shifts = rng.normal(0, spread, 2 * seeds) + np.repeat([gain, 0.0], seeds)
    counts = simulate(population, patients, shifts.tolist(), rng)
    return counts[:seeds], counts[seeds:]


def _ours(name: str, pair: Pair) -> bool:
    first, second = (_terms(counts, name) for counts in pair)
    found = compare_paired(first, second, _SCORE[name].bounds)
    return found is not None and found.sign_shown(found.p) != 0


def _earlier(rng: np.random.Generator, pair: Pair) -> bool:
    case_dice = [np.mean([one.dice(empty=1) for one in counts], axis=0) for counts in pair]
    pooled = [_terms(counts, "dice") for counts in pair]
    return earlier_verdict((case_dice[0], case_dice[1]), (pooled[0], pooled[1]), rng)


def _hierarchical(rng: np.random.Generator, pair: Pair) -> bool:
    first, second = (_terms(counts, QUESTIONS[0]) for counts in pair)
    return hierarchical_bootstrap(first, second, rng)


def _terms(counts: Sequence[Counts], name: str) -> list[Ratio]:
    return [Ratio(*_SCORE[name].terms(one)) for one in counts]


def _values(counts: Sequence[Counts], name: str) -> list[float]:
    return [ratio.numerators.sum() / ratio.denominators.sum() for ratio in _terms(counts, name)]


def _deviation(population: Population, spread: float, rng: np.random.Generator) -> float:
    """The standard deviation over seeds of dice_case_tumour on very many patients."""
    counts = simulate(population, 20_000, rng.normal(0, spread, 50).tolist(), rng)
    return float(np.std(_values(counts, QUESTIONS[0]), ddof=1))


def _shares_of_questions(pairs: Sequence[Pair]) -> list[str]:
    return [_share(pairs, partial(_ours, name)) for name in QUESTIONS]


def _share(pairs: Sequence[Pair], is_better: Callable[[Pair], bool]) -> str:
    return f"{100 * np.mean([is_better(pair) for pair in pairs]):.1f}"
