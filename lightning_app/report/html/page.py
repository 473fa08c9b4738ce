"""The page: a single HTML file that needs nothing else."""

import base64
from collections.abc import Sequence
from typing import Any

from lightning_app.metrics.count_scores import SCORES
from lightning_app.metrics.volume_scores import VOLUME_SCORES
from lightning_app.report.html.external import external_sections
from lightning_app.report.html.methods import methods
from lightning_app.report.html.part import Part, Picture
from lightning_app.report.html.rendering import fill_template, table_context
from lightning_app.report.load.cohorts import Cohort
from lightning_app.report.load.paper_values import PAPER, WHAT_CAN_BE_COMPARED
from lightning_app.report.load.tested_run import LeftOut
from lightning_app.report.tables.caveats import page_warnings
from lightning_app.report.tables.tested_data import KINDS, tested
from lightning_app.runs.records import DataRecord

GENERATOR = "brats-lightning report"
_PHANTOM = "patients are synthetic. Scores on them test the program and say nothing about patients."


def render(parts: Sequence[Part], external: Sequence[Part], left_out: Sequence[LeftOut]) -> str:
    """The page as HTML. Text from files is escaped.

    Args:
        parts: about the tests of the runs' own test splits.
        external: about the tests on other data.
        left_out: runs and tests that the report does not use.
    """
    cohorts = [part.cohort for part in parts]
    return fill_template(
        "page.html",
        generator=GENERATOR,
        phantom=_phantom_banner([*parts, *external]),
        warnings=page_warnings(cohorts, [part.cohort for part in external]),
        groups=[_group(part, number) for number, part in enumerate(parts, start=1)],
        external=external_sections(external),
        paper=PAPER,
        comparable=WHAT_CAN_BE_COMPARED,
        scores=(*SCORES, *VOLUME_SCORES),
        left_out=left_out,
    )


def _phantom_banner(parts: Sequence[Part]) -> str:
    """The banner; empty if no cohort was tested on the phantom."""
    synthetic = [part.title for part in parts if part.cohort.data.kind == "phantom"]
    if not synthetic:
        return ""
    subject = "These" if len(synthetic) == len(parts) else f"In {'; '.join(synthetic)}: the"
    return f"{subject} {_PHANTOM}"


def _group(part: Part, number: int) -> dict[str, Any]:
    first, *others = (table_context(table, f"{table.name}-{number}") for table in part.tables)
    return {
        "number": number,
        "title": part.title,
        "facts": _facts(part.cohort),
        "first_table": first,
        "galleries": part.galleries,
        "figures": [_figure(picture, number) for picture in part.pictures],
        "tables": others,
        "methods": methods(part.cohort),
    }


def _figure(picture: Picture, number: int) -> dict[str, Any]:
    return {
        "anchor": f"figure-{picture.name}-{number}",
        "title": picture.title,
        "notes": picture.notes,
        "png": base64.b64encode(picture.png).decode(),
    }


def _facts(cohort: Cohort) -> list[tuple[str, str]]:
    """Facts about the tested data."""
    run, data = cohort.runs[0], cohort.data
    fingerprints = dict.fromkeys((run.modality, run.data.fingerprint) for run in cohort.runs)
    trained_on = " or ".join(dict.fromkeys(str(run.data.slices) for run in cohort.runs))
    cases = ", ".join(f"{split} {number}" for split, number in run.cases_per_split.items())
    whose = f"{cohort.folds} folds, the training of fold 0" if cohort.folds else "cases"
    devices = sorted({run.environment.device or "unknown" for run in cohort.trainings})
    return [
        ("Data", KINDS.get(data.kind, data.kind)),
        ("Target", f"{data.target}; classes: {', '.join(cohort.classes)}"),
        ("Slices", f"{trained_on}; tested: {data.eval_slices}{_what_all_means(data)}"),
        ("Split", f"{data.split}; {whose}: {cases}"),
        ("Tested", tested(cohort)),
        ("Fingerprints", ", ".join(f"{name} {value}" for name, value in fingerprints)),
        ("Devices", ", ".join(devices)),
    ]


def _what_all_means(data: DataRecord) -> str:
    if data.eval_slices != "all":
        return ""
    return " with brain" if data.omits_blank_slices else ", those without brain as background"
