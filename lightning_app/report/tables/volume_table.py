"""The table of scores of volumes."""

from collections.abc import Sequence

from lightning_app.metrics.case_masks import VolumeSettings
from lightning_app.metrics.score import VolumeScore
from lightning_app.metrics.volume.cohorts import YEAR
from lightning_app.metrics.volume_scores import VOLUME_SCORES
from lightning_app.report.load.cohorts import Cohort, Entry
from lightning_app.report.tables.entry_columns import entry_cells, entry_columns, score_notes
from lightning_app.report.tables.estimates import score_measure
from lightning_app.report.tables.table import Cell, Column, Table, fixed
from lightning_app.utils.text import low_to_high

_NOTE = (
    "Means over cases; the volume of a case, which is one scan, is that of its tested slices, by "
    f"default the middle slice alone. The tolerance of nsd is {VolumeSettings().tolerance:g} mm. "
    "If some cases lack a score, the number of those that have it is given."
)
_SLICES_NOTE = (
    "hd95 and nsd are those of single slices in 2-D, which cannot be compared with those of "
    "volumes; lesion-wise scores are not defined for slices (test --data.eval_slices all)."
)
_GAPS_NOTE = (
    "Cases whose slices are not adjacent have neither hd95 nor nsd nor lesion-wise scores (test "
    "--data.eval_slices all)."
)
_LESION_DICE = next(score for score in VOLUME_SCORES if score.name == "lesion_dice")
_LESIONS_NOTE = f"Lesions are those of BraTS {YEAR}."


def volume_table(cohort: Cohort) -> Table:
    """Every volume score, with the reason if a run lacks it."""
    columns: list[Column] = [*entry_columns(cohort)]
    partly_defined = [score.name for score in VOLUME_SCORES if _is_partly_defined(cohort, score)]
    for score in VOLUME_SCORES:
        form = fixed(4 if score.bounds == (0, 1) else 2)
        columns.append(Column(score.name, score.summary_heading, form))
        if score.name in partly_defined:
            columns.append(Column(f"{score.name}_n", f"{score.name}, cases"))
    rows = [
        _row(cohort, entry, index, partly_defined)
        for modality in cohort.modalities
        for index in range(len(cohort.classes))
        for entry in cohort.of(modality)
    ]
    notes = [_NOTE, *_definition_notes(cohort), *_missing(cohort), *score_notes(cohort)]
    return Table("volumes", "Scores of volumes", columns, rows, notes)


def _row(cohort: Cohort, entry: Entry, index: int, partly_defined: Sequence[str]) -> list[Cell]:
    target = cohort.classes[index]
    row = [*entry_cells(cohort, entry.modality, target, entry)]
    for score in VOLUME_SCORES:
        row.append(score_measure(entry, index, score))
        if score.name in partly_defined:
            row.append(low_to_high(_cases_with(entry, target, score)))
    return row


def _cases_with(entry: Entry, target: str, score: VolumeScore) -> list[int]:
    """For each seed that has the score, the number of cases that have it."""
    results = (run.volumes[target].get(score.name) for run in entry.runs)
    return [result.n for result in results if result is not None and result.n is not None]


def _is_partly_defined(cohort: Cohort, score: VolumeScore) -> bool:
    cases = len(set(cohort.runs[0].table.cases))
    return any(
        0 < number < cases
        for entry in cohort.entries
        for target in cohort.classes
        for number in _cases_with(entry, target, score)
    )


def _definition_notes(cohort: Cohort) -> list[str]:
    """Whether cases are slices, volumes or neither, if the runs have scores of surfaces."""
    if all(run.missing for run in cohort.runs):
        return []
    table = cohort.runs[0].table
    is_slices = len(table.slices) == len(set(table.cases))
    if is_slices:
        return [_SLICES_NOTE]
    has_lesions = any(
        number
        for entry in cohort.entries
        for target in cohort.classes
        for number in _cases_with(entry, target, _LESION_DICE)
    )
    return [_LESIONS_NOTE if has_lesions else _GAPS_NOTE]


def _missing(cohort: Cohort) -> list[str]:
    """Which scores are missing, and why."""
    by_reason: dict[str, list[str]] = {}
    for run in cohort.runs:
        for score, reason in run.missing.items():
            by_reason.setdefault(reason, []).append(score)
    return [f"No {', '.join(scores)}: {reason}." for reason, scores in by_reason.items()]
