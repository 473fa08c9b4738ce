"""What a validation prints: its scores, without intervals."""

import math
from collections.abc import Mapping

from rich.console import Console
from torch import Tensor

from data_modules.brats import BraTSDataModule
from data_modules.utils.words import counted
from lightning_app.metrics.count_scores import SCORES
from lightning_app.metrics.count_table import CountTable
from lightning_app.metrics.evaluate import evaluate
from lightning_app.metrics.score import Result
from lightning_app.results.score_table import score_table, undefined_notes
from lightning_app.results.test_summary import DEFINITIONS, data_notes
from lightning_app.task import MONITOR
from lightning_app.utils.text import print_lines


def print_validation(
    data: BraTSDataModule, table: CountTable, logged: Mapping[str, Tensor]
) -> None:
    """Print the scores, what else was logged, and what a reader must know.

    Args:
        data: the validated data.
        table: the counts of the validated slices.
        logged: all that was logged, scalars by name, such as ``val/loss``; NaN if undefined.
    """
    results = {
        name: {score: Result(value, None) for score, value in by_name.items()}
        for name, by_name in evaluate(table).items()
    }
    origin = " (synthetic phantom)" if data.source.is_phantom else ""
    console = Console(markup=False, emoji=False)
    console.print()
    console.print(score_table(f"Validation scores, of pixels{origin}", SCORES, results))
    console.print()
    print_lines(
        *_other_values(logged, several=len(results) > 1),
        *data_notes(data, table),
        *undefined_notes(SCORES, results),
        *_partial_note(data, table),
        f"What each score is: {DEFINITIONS}.",
    )


def _other_values(logged: Mapping[str, Tensor], *, several: bool) -> list[str]:
    """A line for each value that is not in the table, and for what chooses the best epoch.

    Of several classes the table has the scores of each, such as ``val/core/dice``, and none of all
    together, such as ``val/dice_case``.
    """
    in_table = {score.name for score in SCORES}
    return [
        f"{name}: {'-' if math.isnan(value) else format(float(value), '.4f')}"
        for name, value in logged.items()
        if name == MONITOR
        or name.rpartition("/")[2] not in in_table
        or (several and name.count("/") == 1)
    ]


def _partial_note(data: BraTSDataModule, table: CountTable) -> list[str]:
    all_slices = data.datasets["val"].counted
    if len(table.slices) == all_slices:
        return []
    slices = counted(all_slices, "slice")
    return [f"Partial validation: {len(table.slices)} of {slices} of the validation split."]
