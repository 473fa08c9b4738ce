"""The table of scores on other data beside those on a run's own test split."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lightning_app.metrics.count_scores import SCORES
from lightning_app.report.load.cohorts import Cohort, Entry
from lightning_app.report.load.tested_run import TestedRun
from lightning_app.report.tables.entry_columns import entry_cells, entry_columns, score_notes
from lightning_app.report.tables.estimates import score_measure
from lightning_app.report.tables.table import Cell, Column, Table, fixed

_SHOWN = [score for score in SCORES if score.name in {"dice", "dice_case_tumour"}]
_NOTE = (
    "Own: the test split of the data that the networks were trained on. External: the data of this "
    "table. They are different scans, so no paired test compares them."
)


def own_and_external(cohort: Cohort, own: Sequence[TestedRun]) -> Table:
    """The main scores of both.

    Args:
        cohort: the tests on other data.
        own: the runs with the tests of their own test splits; those that are missing leave their
            cells empty.
    """
    by_folder = {run.run.path: run for run in own}
    columns = [
        *entry_columns(cohort),
        Column("own_patients", "Patients, own", fixed(0)),
        Column("external_patients", "Patients, external", fixed(0)),
    ]
    for score in _SHOWN:
        columns += [
            Column(f"{score.name}_{where}", f"{score.summary_heading}, {where}", fixed(4))
            for where in ("own", "external")
        ]
    columns.append(Column("runs", "Runs"))
    rows = [
        _row(cohort, entry, by_folder, index)
        for modality in cohort.modalities
        for index in range(len(cohort.classes))
        for entry in cohort.of(modality)
    ]
    title = "Own test split and external data"
    return Table("own_and_external", title, columns, rows, [_NOTE, *score_notes(cohort)])


def _row(
    cohort: Cohort, external: Entry, by_folder: dict[Path, TestedRun], index: int
) -> list[Cell]:
    own = _own_entry(external, by_folder)
    target = cohort.classes[index]
    cells = entry_cells(cohort, external.modality, target, external)
    cells += [_patients(entry) if entry else None for entry in (own, external)]
    for score in _SHOWN:
        cells += [
            score_measure(entry, index, score) if entry else None for entry in (own, external)
        ]
    return [*cells, ", ".join(run.name for run in external.runs)]


def _own_entry(external: Entry, by_folder: dict[Path, TestedRun]) -> Entry | None:
    """The same runs with the tests of their own test splits; None if one was not tested there."""
    own = [by_folder.get(run.run.path) for run in external.runs]
    tested = tuple(run for run in own if run is not None)
    return replace(external, runs=tested) if len(tested) == len(own) else None


def _patients(entry: Entry) -> int:
    return len(set(entry.first.table.patients))
