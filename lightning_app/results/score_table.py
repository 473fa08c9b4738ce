"""The tables of scores that a test prints."""

from collections.abc import Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from data_modules.brats import BraTSDataModule
from data_modules.cache.slice_selection import uses_reference
from lightning_app.metrics.count_scores import SCORES
from lightning_app.metrics.count_table import CountTable
from lightning_app.metrics.evaluate import Results, accuracy_of_nothing
from lightning_app.metrics.intervals import FEWEST_PATIENTS, METHOD
from lightning_app.metrics.score import Result, Score
from lightning_app.metrics.volume_scores import VOLUME_SCORES
from lightning_app.utils.text import printable


def print_scores(
    data: BraTSDataModule, table: CountTable, scores: Results, volumes: Results
) -> None:
    """Print a table for each class, and below it what a reader must know.

    Args:
        data: the tested data.
        table: the counts of the tested slices.
        scores: the count scores.
        volumes: the volume scores.
    """
    console = Console(markup=False, emoji=False)
    origin = " (synthetic phantom)" if data.is_phantom else ""
    for name in table.classes:
        results = {**scores[name], **volumes[name]}
        title = f"Test scores, class '{name}'{origin}"
        console.print(score_table(title, (*SCORES, *VOLUME_SCORES), results))
    for note in _notes(data, table):
        console.print(printable(note), highlight=False)


def score_table(title: str, scores: Sequence[Score], results: Mapping[str, Result]) -> Table:
    """A row for each score that printed tables show.

    Args:
        title: above the table.
        scores: in the order of the rows.
        results: their results by name.
    """
    table = Table(box=SIMPLE_HEAD, title=title, title_justify="left")
    table.add_column("score")
    table.add_column("value", justify="right")
    table.add_column("95 % interval", justify="right")
    table.add_column("better")
    table.add_column("definition")
    for score in scores:
        if score.in_tables:
            value, interval = _words(results[score.name], score.unit)
            table.add_row(score.name, value, interval, score.better, score.definition)
    return table


def _notes(data: BraTSDataModule, table: CountTable) -> list[str]:
    patients, cases = len(set(table.patients)), len(set(table.cases))
    nothing = ", ".join(f"{share:.4f}" for share in accuracy_of_nothing(table).values())
    choice = data.choices["eval"]
    notes = [
        f"Data: {data.kind}; patients {patients}, cases {cases}, slices {len(table.slices)}.",
        f"A case is one scan; its scores and its volume are those of its tested slices ({choice}).",
        f"Accuracy of predicting nothing at all: {nothing}.",
    ]
    if patients < FEWEST_PATIENTS:
        notes.append(f"No intervals: they need at least {FEWEST_PATIENTS} patients.")
    else:
        notes.append(f"{METHOD}.")
    if uses_reference(choice):
        notes.append(f"The slices ('{choice}') were chosen by looking at the ground truth.")
    return notes


def _words(result: Result, unit: str) -> tuple[str, str]:
    """A result's value, with its unit, and its interval."""
    value = "-" if result.value is None else f"{result.value:.4f} {unit}".strip()
    if result.interval is None:
        return value, "-"
    low, high = result.interval
    return value, f"{low:.4f} to {high:.4f}"
