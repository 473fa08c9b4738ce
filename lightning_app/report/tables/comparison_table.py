"""The tables of paired comparisons of networks, and of modalities."""

from collections.abc import Sequence

from lightning_app.metrics.intervals import FEWEST_PATIENTS
from lightning_app.metrics.paired_tests import ALPHA, FEWEST_SEEDS, MOST_FOR_EXACT
from lightning_app.report.load.cohorts import Cohort
from lightning_app.report.tables.caveats import computation_caveats, seed_notes
from lightning_app.report.tables.entry_columns import TARGET_COLUMN, settings_notes
from lightning_app.report.tables.estimates import Measure
from lightning_app.report.tables.significance import (
    MODALITIES,
    NETWORKS,
    QUESTIONS,
    VOLUME_QUESTIONS,
    Comparison,
    Contrast,
    Question,
    compare,
)
from lightning_app.report.tables.table import Cell, Column, Table, fixed, p_value

_QUESTIONS_NOTE = (
    "Two questions: overlap with the ground truth in the cases that have the class "
    "(dice_case_tumour), and whether slices without it are predicted empty (empty_right). "
    "Patients: those with such cases or slices; the scans of a patient are averaged. "
    "Differ: patients for whom A and B differ."
)
_VOLUMES_NOTE = (
    "Scores of volumes, means over cases. The tests of each score are corrected by themselves, so "
    "a verdict is about its score alone: whoever picks one of five scores has made five times as "
    "many comparisons. "
    "Differ: patients for whom A and B differ; the scans of a patient are averaged."
)
_TEST_NOTE = (
    "p is two-sided, of Wilcoxon's signed-rank test: exact if at most "
    f"{MOST_FOR_EXACT} patients differ, else by the normal approximation. "
    "The interval of A - B is a 95 % interval over patients. "
    f"A verdict needs a corrected p below {ALPHA}, and an interval that excludes 0, and both must "
    "favour the same one."
)
_SEEDS_NOTE = (
    f"If both have at least {FEWEST_SEEDS} seeds, the interval of A - B is over patients and "
    "seeds, and p is the larger one of Wilcoxon's and that of a t test over patients and seeds "
    "(p, seeds)."
)


def comparison_tables(cohort: Cohort) -> list[Table]:
    """Every pair of networks, and of modalities, on the same patients.

    Networks are compared by the main questions and by volumes, modalities by the main questions.
    No table if there is no pair.
    """
    tables = []
    if any(NETWORKS.pairs(cohort)):
        title = "Paired comparisons of networks"
        tables.append(_table(cohort, QUESTIONS, NETWORKS, "comparisons", title, _QUESTIONS_NOTE))
        if any(run.volume_table for run in cohort.runs):
            title = "Paired comparisons of scores of volumes"
            name = "volume_comparisons"
            tables.append(_table(cohort, VOLUME_QUESTIONS, NETWORKS, name, title, _VOLUMES_NOTE))
    if any(MODALITIES.pairs(cohort)):
        title, name = "Paired comparisons of modalities", "modality_comparisons"
        tables.append(_table(cohort, QUESTIONS, MODALITIES, name, title, _QUESTIONS_NOTE))
    return tables


def _table(
    cohort: Cohort,
    questions: Sequence[Question],
    contrast: Contrast,
    name: str,
    title: str,
    note: str,
) -> Table:
    families = [compare(cohort, question, contrast) for question in questions]
    # A question that no pair can answer gets a note instead of a row for each pair.
    shown = [found for family in families if _is_tested(family) for found in family] or families[0]
    over_seeds = any(_seeds_p(found) is not None for found in shown)
    columns = [
        Column("question", "Question"), contrast.common, TARGET_COLUMN,
        Column("first", "A"), Column("second", "B"),
        Column("patients", "Patients", fixed(0)), Column("differing", "Differ", fixed(0)),
        Column("difference", "A - B", fixed(4)),
        *([Column("seeds_p", "p, seeds", p_value)] if over_seeds else []),
        Column("p", "p", p_value), Column("holm_p", "p, Holm", p_value),
        Column("verdict", "Verdict"),
    ]  # fmt: skip
    rows = [_cells(found, cohort, over_seeds=over_seeds) for found in shown]
    notes = [note, _TEST_NOTE, *([_SEEDS_NOTE] if over_seeds else [])]
    notes += [*_family_notes(questions, families), *settings_notes(cohort)]
    notes += [*computation_caveats(cohort), *seed_notes(cohort)]
    return Table(name, title, columns, rows, notes)


def _cells(found: Comparison, cohort: Cohort, *, over_seeds: bool) -> list[Cell]:
    contrast, difference = found.contrast, found.difference
    return [
        found.question.subject, contrast.common_name(found.first), cohort.classes[found.index],
        contrast.name(found.first), contrast.name(found.second),
        difference.patients if difference else 0,
        difference.differing if difference else 0,
        Measure(difference.value, None, difference.interval) if difference else Measure(None),
        *([_seeds_p(found)] if over_seeds else []),
        difference.p if difference else None, found.holm_p, found.verdict,
    ]  # fmt: skip


def _family_notes(
    questions: Sequence[Question], families: Sequence[Sequence[Comparison]]
) -> list[str]:
    """How many tests were corrected together, and which questions could not be tested."""
    notes = []
    for question, family in zip(questions, families, strict=True):
        tests = sum(found.holm_p is not None for found in family)
        if tests:
            notes.append(
                f"p, Holm: corrected over the {tests} tests of {question.subject} in this table."
                if tests > 1
                else f"The only test of {question.subject} needs no correction."
            )
        elif family:
            notes.append(
                f"No tests of {question.subject}: they need at least {FEWEST_PATIENTS} patients "
                "for whom it is defined."
            )
    return notes


def _is_tested(family: Sequence[Comparison]) -> bool:
    return any(found.holm_p is not None for found in family)


def _seeds_p(found: Comparison) -> float | None:
    return found.difference.seeds_p if found.difference else None
