"""The JSON and CSV files of an evaluation."""

import math
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lightning_app.evaluation.comparison import Comparison
from lightning_app.evaluation.plan import Plan
from lightning_app.metrics.case_masks import VolumeTable
from lightning_app.metrics.case_tables import CaseScores
from lightning_app.metrics.evaluate import Results
from lightning_app.metrics.score import Result
from lightning_app.metrics.volume.cohorts import YEAR
from lightning_app.metrics.volume_scores import VOLUME_SCORES
from lightning_app.results.lesion_record import LESION_COLUMNS, lesion_rows
from lightning_app.results.test_record import result_to_json
from lightning_app.utils.json_csv import write_csv, write_json
from lightning_app.utils.text import csv_text

FORMAT = 1
SCORES_JSON, COMPARISON_JSON = "scores.json", "comparison.json"
CASES_CSV, LESIONS_CSV = "cases.csv", "lesions.csv"
_CASE = ("case", "patient", "region")


def write_scores(folder: Path, plan: Plan, summaries: Results) -> None:
    """Write scores.json: what was evaluated, and the mean of every score."""
    scores = {
        region: {name: result_to_json(result) for name, result in by_name.items()}
        for region, by_name in summaries.items()
    }
    write_json(
        folder / SCORES_JSON, {"format": FORMAT, "settings": _settings(plan), "scores": scores}
    )


def write_cases(folder: Path, table: VolumeTable) -> None:
    """Write cases.csv: a row for each case and region; an undefined score is an empty cell."""
    names = [score.name for score in VOLUME_SCORES if not score.derived]
    rows = (
        [csv_text(case), csv_text(patient), region, *(_cell(table, n, row, index) for n in names)]
        for row, (case, patient) in enumerate(zip(table.cases, table.patients, strict=True))
        for index, region in enumerate(table.classes)
    )
    write_csv(folder / CASES_CSV, [*_CASE, *names], rows)


def write_lesions(folder: Path, scored: Sequence[CaseScores], regions: Sequence[str]) -> None:
    """Write lesions.csv: a row for each lesion, numbered in its case and region."""
    rows = ([*map(csv_text, whose), *values] for whose, values, _ in lesion_rows(scored, regions))
    write_csv(folder / LESIONS_CSV, [*_CASE, *LESION_COLUMNS], rows)


def write_comparison(
    folder: Path, plan: Plan, comparisons: Sequence[Comparison], names: tuple[str, str]
) -> None:
    """Write comparison.json: the differences between the masks of two folders."""
    by_region: dict[str, dict[str, Any]] = {region: {} for region in plan.regions}
    for found in comparisons:
        by_region[found.region][found.score.name] = _comparison(found, names)
    first, second = (str(of_set.folder.path.resolve()) for of_set in plan.sets)
    content = {"format": FORMAT, "first": first, "second": second, "comparison": by_region}
    write_json(folder / COMPARISON_JSON, content)


def _settings(plan: Plan) -> dict[str, Any]:
    request, cohort = plan.request, plan.cohort
    return {
        "input": str(plan.sets[0].folder.path.resolve()),
        "against": str(plan.sets[1].folder.path.resolve()) if len(plan.sets) > 1 else None,
        "reference": str(request.reference.resolve()),
        "values": plan.sets[0].values.name,
        "reference_values": plan.references.values,
        "cohort": {
            "name": cohort.name,
            "year": YEAR,
            "dilations": cohort.dilations,
            "smallest_mm3": cohort.smallest_mm3,
        },
        "tolerance_mm": request.tolerance,
        "on_missing": request.on_missing,
        "missing": plan.missing(0),
        "left_out": list(plan.left_out),
        "version": version("brats-lightning"),
        "cases": len(plan.files),
        "patients": plan.patients,
    }


def _comparison(found: Comparison, names: tuple[str, str]) -> dict[str, Any]:
    difference = found.difference
    estimate = Result(difference.value, difference.interval) if difference else Result(None, None)
    return {
        "first": found.first,
        "second": found.second,
        "difference": result_to_json(estimate),
        "p": difference.p if difference else None,
        "holm_p": found.holm_p,
        "n": found.n,
        "patients": difference.patients if difference else 0,
        "differing": difference.differing if difference else 0,
        "verdict": found.verdict(names),
    }


def _cell(table: VolumeTable, score: str, row: int, region: int) -> float | None:
    value = float(table.values[score][row, region])
    return None if math.isnan(value) else value
