"""The table of scores that a test, a validation and an evaluation print. Imports no torch."""

from collections.abc import Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from lightning_app.metrics.evaluate import Results
from lightning_app.metrics.score import Result, Score
from lightning_app.utils.text import printable

_DIGITS = {"mm": 1}  # after the point; three regions fit in 80 columns


def score_table(title: str, scores: Sequence[Score], results: Results) -> Table:
    """A row for each score that printed tables show and that some case has.

    Args:
        title: above the table.
        scores: in the order of the rows.
        results: by class, a column each, and by name of a score.
    """
    table = Table(
        box=SIMPLE_HEAD, title=title, title_justify="left", show_edge=False, pad_edge=False,
        min_width=len(title),  # a title is broken at the width of its table
    )  # fmt: skip
    table.add_column("score", no_wrap=True)
    for name in results:
        table.add_column(printable(name), justify="right")
    table.add_column("better")
    for score, cells in score_rows(scores, results):
        table.add_row(score.summary_heading, *cells, score.better)
    return table


def score_rows(scores: Sequence[Score], results: Results) -> list[tuple[Score, list[str]]]:
    """The scores that have a row, with a cell for each class: its value and, below, its interval.

    The arguments are those of ``score_table``.
    """
    return [
        (score, [_text(of[score.name], score, _cases(of)) for of in results.values()])
        for score in _shown(scores, results)
    ]


def undefined_notes(scores: Sequence[Score], results: Results) -> list[str]:
    """A line for each row of the table that has a dash, with what the score would count."""
    notes = []
    for score in _shown(scores, results):
        found = {name: by_name[score.name] for name, by_name in results.items()}
        without = [printable(name) for name, result in found.items() if result.value is None]
        if without:
            notes.append(
                f"{score.name} of {' and '.join(without)} is undefined (-), as nothing counts for "
                f"it: {score.definition}."
            )
    return notes


def _shown(scores: Sequence[Score], results: Results) -> list[Score]:
    """The scores that have a row."""
    return [
        score
        for score in scores
        if score.in_tables and any(by_name[score.name].n != 0 for by_name in results.values())
    ]


def _cases(results: Mapping[str, Result]) -> int:
    """The number of cases; 0 for count scores."""
    return max((result.n or 0 for result in results.values()), default=0)


def _text(result: Result, score: Score, cases: int) -> str:
    """Value, number of cases if some lack the score, and interval."""
    if result.value is None:
        return "-"
    digits = _DIGITS.get(score.unit, 2) if score.bounds != (0, 1) else 3
    value = f"{result.value:.{digits}f}"
    if result.n is not None and result.n < cases:
        value += f" (n {result.n})"
    if result.interval is None:
        return value
    low, high = result.interval
    return f"{value}\n{low:.{digits}f} to {high:.{digits}f}"
