"""The section of the page about tests on other data."""

from collections.abc import Sequence
from typing import Any

from data_modules.utils.words import counted
from lightning_app.report.html.part import Part
from lightning_app.report.html.rendering import table_context
from lightning_app.report.load.cohorts import Cohort
from lightning_app.report.load.tested_run import TestedRun


def external_sections(parts: Sequence[Part]) -> list[dict[str, Any]]:
    """What the template needs of each external data set."""
    return [
        {
            "title": part.title,
            "facts": _facts(part.cohort),
            "tables": [
                table_context(table, f"{table.name}-external-{number}") for table in part.tables
            ],
        }
        for number, part in enumerate(parts, start=1)
    ]


def _facts(cohort: Cohort) -> list[tuple[str, str]]:
    """Facts about the tested data, and about those of the training."""
    run, data = cohort.runs[0], cohort.data
    fingerprints = dict.fromkeys((run.modality, run.data.fingerprint) for run in cohort.runs)
    tested = (
        f"{counted(len(set(run.table.cases)), 'case')} of "
        f"{counted(len(set(run.table.patients)), 'patient')}"
    )
    return [
        ("Data", f"{data.name} ({'synthetic phantom' if data.kind == 'phantom' else 'files'})"),
        ("Target", f"{data.target}; classes: {', '.join(cohort.classes)}"),
        ("Tested", f"{tested}, {counted(len(run.table.slices), 'slice')} ({data.eval_slices})"),
        ("Trained on", "; ".join(dict.fromkeys(map(_training_data, cohort.runs)))),
        ("Fingerprints", ", ".join(f"{name} {value}" for name, value in fingerprints)),
    ]


def _training_data(run: TestedRun) -> str:
    data = run.environment.data
    return f"{data.name} (split {data.split}, training cases: {run.cases_per_split['train']})"
