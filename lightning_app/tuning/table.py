"""What ``tune`` prints."""

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from data_modules.utils.words import counted
from lightning_app.metrics.paired_tests import Difference
from lightning_app.runs.folder import Run
from lightning_app.tuning.choice import Choice, TriedStep
from lightning_app.tuning.objectives import DEFINITION
from lightning_app.tuning.sources import Sources
from lightning_app.utils.text import printable


def print_choice(run: Run, choice: Choice, sources: Sources) -> None:
    """Print what was tried, and what came of it."""
    console = Console(markup=False, emoji=False)
    console.print()
    if choice.steps:
        console.print(_table(run, choice))
        console.print()
    lines = [f"Chosen on {counted(choice.patients, 'patient')}: {sources.in_words}."]
    if choice.steps and sources.own:
        number = len(sources.own.patients - sources.tested)
        lines.append(f"Checked on its own validation split: {counted(number, 'patient')}.")
    if choice.steps:
        lines.append(f"Objective: {DEFINITION}.")
    if choice.postprocessing.is_nothing:
        lines.append(f"Post-processing: none, as {choice.reason}.")
    elif choice.gain is not None:
        lines.append(f"Post-processing: {choice.postprocessing.in_words}.")
        lines.append(
            f"Objective {choice.before:.3f} without and {choice.after:.3f} with it, "
            f"gain {choice.gain.value:+.3f} ({_interval(choice.gain)})."
        )
    for line in (*lines, f"Numbers: {run.postprocessing}"):
        console.print(printable(line), highlight=False, soft_wrap=True)


def _table(run: Run, choice: Choice) -> Table:
    title = printable(f"Post-processing of {run.experiment}/{run.path.name}")
    table = Table(
        box=SIMPLE_HEAD,
        title=title,
        title_justify="left",
        show_edge=False,
        padding=(0, 1, 0, 0),
    )
    for heading in ("best of each step", "objective", "gain", "95 % interval", "kept"):
        table.add_column(heading)
    for step in choice.steps:
        table.add_row(
            step.best.postprocessing.in_words.split(", ")[-1],
            f"{step.before:.3f} -> {step.best.objective:.3f}",
            f"{step.gain.value:+.3f}",
            _interval(step.gain),
            _kept(step),
        )
    return table


def _kept(step: TriedStep) -> str:
    if step.gains and not step.is_adopted and step.own is not None:
        return "no, own validation {:.3f} -> {:.3f}".format(*step.own)
    return "yes" if step.is_adopted else "no"


def _interval(gain: Difference) -> str:
    if gain.interval is None:
        return "-"
    low, high = gain.interval
    return f"{low:+.3f} to {high:+.3f}"
