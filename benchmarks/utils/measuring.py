"""What all benchmarks share: work done in turns, its ratios, and the rows of a table.

Two ways to do one thing are timed one after the other, several times over, and compared pair by
pair: a ratio holds where the machine's speed drifts.
"""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Row:
    """A line of the table of results.

    Attributes:
        what: was measured, and against what.
        found: the figure, with its unit.
        wanted: the goal in words; empty where there is none.
        reached: whether the goal is; None where there is none, or where it was not measured.
        equal: what was held equal: width, depth, images, batch, precision, threads, allocator.
    """

    what: str
    found: str
    wanted: str = ""
    reached: bool | None = None
    equal: str = ""


def ratio_row(
    what: str, peer: Sequence[float], ours: Sequence[float], *, goal: float | None, equal: str
) -> Row:
    """A row of how many times as fast we are: minimum, median and maximum of the pairs.

    Args:
        what: was measured, and against what.
        peer: seconds of the peer's turns.
        ours: seconds of our turns.
        goal: the median to reach; None for a comparison without a goal.
        equal: what was held equal.
    """
    ratios = [theirs / own for theirs, own in zip(peer, ours, strict=True)]
    median = statistics.median(ratios)
    found = (
        f"{min(ratios):.2f} / {median:.2f} / {max(ratios):.2f} times "
        f"({_seconds(statistics.median(peer))} against {_seconds(statistics.median(ours))})"
    )
    if goal is None:
        return Row(what, found, equal=equal)
    return Row(what, found, f"at least {goal:g} times", median >= goal, equal)


def bound_row(what: str, value: float, unit: str, *, at_most: float, equal: str = "") -> Row:
    """A row of a figure that is to stay under a bound."""
    return Row(what, f"{value:.3g} {unit}", f"at most {at_most:g} {unit}", value <= at_most, equal)


def in_turns(
    *sides: Callable[[], float], turns: int = 5, warm_ups: int = 1
) -> tuple[list[float], ...]:
    """Call each side in turn, ``turns`` times after ``warm_ups``.

    Args:
        sides: each does its work once and returns its seconds.
        turns: counted calls of each.
        warm_ups: calls of each before, not counted.

    Returns:
        The seconds of every side, in the order of the turns.
    """
    for _ in range(warm_ups):
        for side in sides:
            side()
    rounds = [[side() for side in sides] for _ in range(turns)]
    return tuple(map(list, zip(*rounds, strict=True)))


def measured_apart(
    module: str, *arguments: str, environment: Mapping[str, str] | None = None
) -> dict[str, float]:
    """Run ``python -m module arguments`` and read the JSON object in its last line.

    Args:
        module: such as benchmarks.sections.loading.
        arguments: its arguments.
        environment: variables that are set for it besides our own.

    Raises:
        RuntimeError: it failed; with the end of what it said.
    """
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{module} {' '.join(arguments)} failed:\n{done.stderr[-2000:]}")
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def show(rows: Sequence[Row]) -> None:
    """Print rows as a table."""
    table = Table("what", "found", "wanted", "reached", "held equal", show_lines=True)
    for row in rows:
        table.add_row(row.what, row.found, row.wanted, verdict(row), row.equal)
    Console().print(table)


def verdict(row: Row) -> str:
    """Whether a row's goal is reached, in words."""
    if not row.wanted:
        return ""
    return {True: "yes", False: "no", None: "not measured"}[row.reached]


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value >= 1 else f"{1e3 * value:.3g} ms"
