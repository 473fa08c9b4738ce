"""The table that an evaluation prints."""

from rich.box import SIMPLE_HEAD
from rich.table import Table

from lightning_app.evaluation.scores import RATIO, SCORES, CaseScore
from lightning_app.evaluation.summary import Summary


def score_table(summaries: dict[str, dict[str, Summary]]) -> Table:
    """A row for each score, a column for each region."""
    table = Table(box=SIMPLE_HEAD, title="Means over cases, 95 % intervals", title_justify="left")
    table.add_column("score", no_wrap=True)
    for region in summaries:
        table.add_column(region, justify="right")
    for score in SCORES:
        cells = [
            _text(by_name[score.name], score, cases=by_name["dice"].n)
            for by_name in summaries.values()
        ]
        name = f"{score.name} ({score.unit})" if score.unit == "mm" else score.name
        table.add_row(name, *cells)
    return table


def _text(summary: Summary, score: CaseScore, cases: int) -> str:
    """Mean and interval, and the number of cases if some of them lack the score."""
    if summary.value is None:
        return "-"
    digits = 3 if score.bounds == RATIO else 2
    value = f"{summary.value:.{digits}f}"
    if summary.n < cases:
        value += f" (n {summary.n})"
    if summary.interval is None:
        return value
    low, high = summary.interval
    return f"{value}\n{low:.{digits}f} to {high:.{digits}f}"
