"""The page: a single HTML file that needs nothing else."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lightning_app.metrics.count_scores import SCORES
from lightning_app.metrics.intervals import FEWEST_PATIENTS
from lightning_app.metrics.volume_scores import VOLUME_SCORES
from lightning_app.report.load.cohorts import Cohort
from lightning_app.report.load.paper_values import PAPER, WHAT_CAN_BE_COMPARED
from lightning_app.report.load.runs import LeftOut
from lightning_app.report.tables.caveats import page_warnings
from lightning_app.report.tables.table import Cell, Table, sort_value
from lightning_app.runs.records import DataRecord

GENERATOR = "brats-lightning report"
_TEMPLATES = Path(__file__).parent / "templates"
_PHANTOM = "patients are synthetic. Scores on them test the program and say nothing about patients."


@dataclass(frozen=True)
class Picture:
    """A figure on the page.

    Attributes:
        name: of its files.
        title: above the figure.
        notes: below the figure.
        png: its bytes.
    """

    name: str
    title: str
    notes: Sequence[str]
    png: bytes


@dataclass(frozen=True)
class Part:
    """The part of the page about one cohort."""

    cohort: Cohort
    title: str
    tables: Sequence[Table]
    pictures: Sequence[Picture]
    galleries: Sequence[dict[str, Any]]


def render(parts: Sequence[Part], left_out: Sequence[LeftOut]) -> str:
    """The page as HTML. Text from files is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    templates = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    cohorts = [part.cohort for part in parts]
    return templates.get_template("page.html").render(
        generator=GENERATOR,
        version=version("brats-lightning"),
        phantom=_phantom_banner(parts),
        warnings=page_warnings(cohorts),
        groups=[_group(part, number) for number, part in enumerate(parts, start=1)],
        galleries=[gallery for part in parts for gallery in part.galleries],
        paper=PAPER,
        comparable=WHAT_CAN_BE_COMPARED,
        scores=(*SCORES, *VOLUME_SCORES),
        fewest=FEWEST_PATIENTS,
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
    return {
        "title": part.title,
        "facts": _facts(part.cohort),
        "tables": [_table(table, f"{table.name}-{number}") for table in part.tables],
        "figures": [
            {
                "anchor": f"figure-{picture.name}-{number}",
                "title": picture.title,
                "notes": picture.notes,
                "png": base64.b64encode(picture.png).decode(),
            }
            for picture in part.pictures
        ],
    }


def _table(table: Table, anchor: str) -> dict[str, Any]:
    numeric = [not table.is_text(column) for column in range(len(table.columns))]
    heads = [
        {"title": column.title, "number": number}
        for column, number in zip(table.columns, numeric, strict=True)
    ]
    rows = [
        [_cell(table, column, cell, number=numeric[column]) for column, cell in enumerate(row)]
        for row in table.rows
    ]
    notes = list(table.notes)
    return {"anchor": anchor, "title": table.title, "heads": heads, "rows": rows, "notes": notes}


def _cell(table: Table, column: int, cell: Cell, *, number: bool) -> dict[str, Any]:
    value, interval = table.cell_text(column, cell)
    sort = sort_value(cell)
    return {
        "text": value,
        "interval": interval,
        "sort": "" if sort is None else sort,
        "number": number,
    }


def _facts(cohort: Cohort) -> list[tuple[str, str]]:
    """Facts about the tested data."""
    run, data = cohort.runs[0], cohort.data
    fingerprints = {run.modality: run.data.fingerprint for run in cohort.runs}
    cases = ", ".join(f"{split} {number}" for split, number in run.cases_per_split.items())
    tested = f"{len(set(run.table.cases))} cases of {len(set(run.table.patients))} patients"
    devices = sorted({run.environment.device or "unknown" for run in cohort.runs})
    return [
        ("Data", "synthetic phantom" if data.kind == "phantom" else "files"),
        ("Target", f"{data.target}; classes: {', '.join(cohort.classes)}"),
        ("Slices", f"{data.slices}; tested: {data.eval_slices}{_what_all_means(data)}"),
        ("Split", f"{data.split}; cases: {cases}"),
        ("Tested", f"{tested}, {len(run.table.slices)} slices"),
        ("Fingerprints", ", ".join(f"{name} {value}" for name, value in fingerprints.items())),
        ("Devices", ", ".join(devices)),
    ]


def _what_all_means(data: DataRecord) -> str:
    if data.eval_slices != "all":
        return ""
    return " with brain" if data.omits_blank_slices else ", those without brain as background"
