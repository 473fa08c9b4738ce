"""The JSON and CSV files of an evaluation."""

from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lightning_app.evaluation.plan import Plan
from lightning_app.evaluation.score_case import CaseResult
from lightning_app.evaluation.scores import SCORES
from lightning_app.evaluation.summary import Comparison, Summary
from lightning_app.metrics.intervals import Interval
from lightning_app.metrics.volume.cohorts import YEAR
from lightning_app.utils.json_csv import write_csv, write_json
from lightning_app.utils.text import csv_text

FORMAT = 1
SCORES_JSON, COMPARISON_JSON = "scores.json", "comparison.json"
CASES_CSV, LESIONS_CSV = "cases.csv", "lesions.csv"
_CASE = ("case", "patient", "region")
_LESION = ("lesion", "volume_ml", "kind", "dice", "hd95")

Summaries = dict[str, dict[str, Summary]]  # by region, then by name of a score


def write_scores(folder: Path, plan: Plan, summaries: Summaries) -> None:
    """Write scores.json: what was evaluated, and the mean of every score."""
    scores = {
        region: {name: {**_estimate(s.value, s.interval), "n": s.n} for name, s in by_name.items()}
        for region, by_name in summaries.items()
    }
    write_json(
        folder / SCORES_JSON, {"format": FORMAT, "settings": _settings(plan), "scores": scores}
    )


def write_cases(folder: Path, results: Sequence[CaseResult]) -> None:
    """Write cases.csv: a row for each case and region; an undefined score is an empty cell."""
    scores = [score for score in SCORES if score.in_cases]
    rows = (
        [*_names(result, region), *(score.value(found) for score in scores)]
        for result in results
        for region, found in result.regions.items()
    )
    write_csv(folder / CASES_CSV, [*_CASE, *(score.name for score in scores)], rows)


def write_lesions(folder: Path, results: Sequence[CaseResult]) -> None:
    """Write lesions.csv: a row for each lesion, numbered in its case and region."""
    write_csv(folder / LESIONS_CSV, [*_CASE, *_LESION], _lesion_rows(results))


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
        "on_missing": "empty" if request.missing_is_empty else "stop",
        "missing": plan.missing(0),
        "version": version("brats-lightning"),
        "cases": len(plan.files),
        "patients": plan.patients,
    }


def _comparison(found: Comparison, names: tuple[str, str]) -> dict[str, Any]:
    difference = found.difference
    return {
        "first": found.first,
        "second": found.second,
        "difference": _estimate(
            difference.value if difference else None, difference.interval if difference else None
        ),
        "p": difference.p if difference else None,
        "holm_p": found.holm_p,
        "n": found.n,
        "patients": difference.patients if difference else 0,
        "differing": difference.differing if difference else 0,
        "verdict": found.verdict(names),
    }


def _estimate(value: float | None, interval: Interval | None) -> dict[str, float | None]:
    low, high = interval or (None, None)
    return {"value": value, "low": low, "high": high}


def _names(result: CaseResult, region: str) -> list[str]:
    return [csv_text(result.case), csv_text(result.patient), region]


def _lesion_rows(results: Sequence[CaseResult]) -> Iterator[list[object]]:
    for result in results:
        for region, scores in result.regions.items():
            lesions = scores.lesions.lesions if scores.lesions else ()
            for number, lesion in enumerate(lesions, start=1):
                values = (lesion.volume, str(lesion.kind), lesion.dice, lesion.hd95)
                yield [*_names(result, region), number, *values]
