"""An evaluation, written into a folder at once or not at all."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from callbacks.utils.atomic_write import atomic_folder, atomic_write
from callbacks.utils.unfinished import remove_leftovers
from data_modules.utils.process_pool import Workers
from lightning_app.evaluation import records
from lightning_app.evaluation.comparison import Comparison, compare
from lightning_app.evaluation.page import GENERATOR, render
from lightning_app.evaluation.plan import Plan, score_all
from lightning_app.evaluation.remarks import remarks, scored_cases
from lightning_app.evaluation.tables import comparison_table, summary_tables, worst_cases
from lightning_app.metrics.case_tables import CaseScores, case_tables
from lightning_app.metrics.evaluate import Results, volume_results
from lightning_app.metrics.volume_scores import VOLUME_SCORES
from lightning_app.report.output_folder import PAGE, check_replaceable
from lightning_app.report.tables.table import Table

_FILES = {
    PAGE, records.SCORES_JSON, records.CASES_CSV, records.LESIONS_CSV, records.COMPARISON_JSON,
    ".DS_Store",
}  # fmt: skip


@dataclass(frozen=True)
class Evaluation:
    """An evaluation that has been written.

    Attributes:
        output: its folder.
        summaries: by region, then by name of a score.
        comparisons: with the masks of ``--against``; empty without.
        names: of the masks that are compared.
        cases: how many were scored, of how many if some were left out.
        remarks: what a reader must know.
    """

    output: Path
    summaries: Results
    comparisons: Sequence[Comparison]
    names: tuple[str, str]
    cases: str
    remarks: Sequence[str]


def check_output(output: Path) -> None:
    """Check that an evaluation may be written. Raises UsageError if a file is in the way."""
    check_replaceable(output, GENERATOR, _foreign)


def write_evaluation(plan: Plan, output: Path, workers: Workers) -> Evaluation:
    """Score all cases and write the results; an earlier evaluation in the folder is replaced.

    Raises:
        UsageError: the output folder holds anything else.
        DataError: a file has changed since it was checked.
        OSError: the results cannot be written.
    """
    output = output.resolve()
    check_output(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(output.parent)
    with atomic_folder(output) as folder:  # before hours of work: it may not be writable
        evaluation = _evaluate(plan, output, score_all(plan, workers), folder)
        check_output(output)  # a file may have been put there in the meantime
    return evaluation


def _evaluate(
    plan: Plan, output: Path, scored: Sequence[tuple[CaseScores, ...]], folder: Path
) -> Evaluation:
    results, *others = ([masks[index] for masks in scored] for index in range(len(plan.sets)))
    _, table = case_tables(results, plan.regions)
    comparisons = [
        found for other in others for found in compare(table, case_tables(other, plan.regions)[1])
    ]
    summaries = volume_results(table, VOLUME_SCORES)
    evaluation = Evaluation(
        output, summaries, comparisons, _names(plan), scored_cases(plan), remarks(plan, results)
    )
    records.write_cases(folder, table)
    records.write_lesions(folder, results, plan.regions)
    _write_summary(folder, plan, evaluation, worst_cases(table))
    return evaluation


def _write_summary(folder: Path, plan: Plan, evaluation: Evaluation, worst: Table) -> None:
    records.write_scores(folder, plan, evaluation.summaries)
    tables = summary_tables(evaluation.summaries)
    if evaluation.comparisons:
        records.write_comparison(folder, plan, evaluation.comparisons, evaluation.names)
        tables.append(comparison_table(evaluation.comparisons, evaluation.names))
    tables.append(worst)
    with atomic_write(folder / PAGE) as page:
        page.write_text(render(plan, tables, evaluation.remarks), encoding="utf-8")


def _names(plan: Plan) -> tuple[str, str]:
    """Of the two sets of masks: of their folders, unless those have the same name."""
    first, *others = (of_set.folder.path.resolve().name for of_set in plan.sets)
    second = others[0] if others else first
    return ("input", "against") if first == second else (first, second)


def _foreign(folder: Path) -> Iterator[str]:
    return (path.name for path in folder.iterdir() if path.name not in _FILES or path.is_dir())
