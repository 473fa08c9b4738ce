"""The rows of a table of results."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

COLUMNS = ("measurement", "result", "goal", "reached", "conditions")


@dataclass(frozen=True)
class Row:
    """A measurement and its goal.

    Attributes:
        measurement: what was measured, and against which baseline.
        result: the figure, with its unit.
        goal: the goal in words; empty if there is none.
        reached: whether the goal was reached; None if there is none or nothing was measured.
        conditions: what was held equal: width, depth, images, batch, precision, threads, allocator.
    """

    measurement: str
    result: str
    goal: str = ""
    reached: bool | None = None
    conditions: str = ""

    def cells(self) -> tuple[str, ...]:
        """The text of every column."""
        reached = {True: "yes", False: "no", None: "not measured"}[self.reached]
        return (
            self.measurement,
            self.result,
            self.goal,
            reached if self.goal else "",
            self.conditions,
        )


def ratio_row(
    measurement: str,
    baseline: Sequence[float],
    ours: Sequence[float],
    *,
    goal: float | None,
    conditions: str,
) -> Row:
    """How many times as fast as a baseline we are: minimum, median and maximum over the rounds.

    Args:
        measurement: what was measured, and against which baseline.
        baseline: seconds of the baseline in each round.
        ours: our seconds in the same rounds.
        goal: the median to reach; None for a comparison without a goal.
        conditions: what was held equal.
    """
    ratios = [theirs / own for theirs, own in zip(baseline, ours, strict=True)]
    median = statistics.median(ratios)
    result = (
        f"{min(ratios):.2f} / {median:.2f} / {max(ratios):.2f} times "
        f"({_seconds(statistics.median(baseline))} against {_seconds(statistics.median(ours))})"
    )
    if goal is None:
        return Row(measurement, result, conditions=conditions)
    return Row(measurement, result, f"at least {goal:g} times", median >= goal, conditions)


def bound_row(
    measurement: str, value: float, unit: str, *, at_most: float, conditions: str = ""
) -> Row:
    """A figure that should not exceed a bound."""
    result, goal = f"{value:.3g} {unit}", f"at most {at_most:g} {unit}"
    return Row(measurement, result, goal, value <= at_most, conditions)


def print_rows(rows: Sequence[Row]) -> None:
    """Print rows as a table on the terminal."""
    table = Table(*COLUMNS, show_lines=True)
    for row in rows:
        table.add_row(*row.cells())
    Console().print(table)


def markdown_table(rows: Sequence[Row]) -> str:
    """Rows as a table in Markdown."""
    lines = [COLUMNS, ("---",) * len(COLUMNS), *(row.cells() for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value >= 1 else f"{1e3 * value:.3g} ms"
