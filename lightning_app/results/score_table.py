"""The table of scores that a test prints."""

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from data_modules.brats import BraTSDataModule
from data_modules.cache.slice_selection import uses_reference
from lightning_app.metrics.bootstrap import FEWEST_PATIENTS
from lightning_app.metrics.count_table import CountTable
from lightning_app.metrics.scores import SCORES, Result, accuracy_of_nothing


def print_scores(
    data: BraTSDataModule, table: CountTable, results: dict[str, dict[str, Result]]
) -> None:
    """Print a table for each class, and beneath it what must be known to read it."""
    patients = len(set(table.patients))
    console = Console()
    origin = " (synthetic phantom)" if data.is_phantom else ""
    for name, scores in results.items():
        console.print(_table(f"Test scores, class '{name}'{origin}", scores))
    cases = len(set(table.cases))
    notes = [f"Data: {data.kind}; patients {patients}, cases {cases}, slices {len(table.slices)}."]
    nothing = ", ".join(f"{share:.4f}" for share in accuracy_of_nothing(table).values())
    notes.append(f"Accuracy of predicting nothing at all: {nothing}.")
    if patients < FEWEST_PATIENTS:
        notes.append(f"No intervals: they need at least {FEWEST_PATIENTS} patients.")
    else:
        notes.append("Intervals: 95 % percentile bootstrap over patients, 10,000 draws.")
    choice = data.choices["eval"]
    if uses_reference(choice):
        notes.append(f"The slices ('{choice}') were chosen by looking at the truth.")
    for note in notes:
        console.print(note, highlight=False)


def _table(title: str, scores: dict[str, Result]) -> Table:
    table = Table(box=SIMPLE_HEAD, title=title, title_justify="left")
    table.add_column("score")
    table.add_column("value", justify="right")
    table.add_column("95 % interval", justify="right")
    table.add_column("definition")
    for score in SCORES:
        if score.in_tables:
            result = scores[score.name]
            value = "-" if result.value is None else f"{result.value:.4f}"
            interval = (
                "-" if result.interval is None else "{:.4f} to {:.4f}".format(*result.interval)
            )
            table.add_row(score.name, value, interval, score.definition)
    return table
