"""The scores of a tested run: those that it recorded, and those that can be computed for it."""

from collections.abc import Mapping

from lightning_app.metrics.count_scores import SCORES
from lightning_app.metrics.count_table import CountTable
from lightning_app.metrics.evaluate import Results, count_results, evaluate
from lightning_app.metrics.score import Result
from lightning_app.metrics.volume_scores import VOLUME_SCORES
from lightning_app.results.test_record import TestRecord
from lightning_app.runs.folder import Run
from lightning_app.runs.records import RecordError

TOLERANCE = 1e-9

# Why a run lacks a score, by its name.
MissingScores = Mapping[str, str]


def scores_of_counts(test: TestRecord, table: CountTable) -> Results:
    """Every count score of a test, those that are newer than the test from its counts.

    Raises:
        RecordError: a recorded score is not that of the counts.
    """
    results: dict[str, dict[str, Result]] = {}
    for name, values in evaluate(table).items():
        recorded = test.scores[name]
        for score, value in values.items():
            if score in recorded:
                _check(score, recorded[score].value, value)
        newer = [score for score in SCORES if score.name not in recorded]
        computed = count_results(table, newer)[name] if newer else {}
        results[name] = {
            score.name: recorded[score.name] if score.name in recorded else computed[score.name]
            for score in SCORES
        }
    return results


def scores_of_volumes(test: TestRecord, run: Run) -> tuple[Results, MissingScores]:
    """The volume scores of a test, and why others are missing: they need the masks."""
    known = {
        score.name for score in VOLUME_SCORES
        if test.volumes and all(score.name in scores for scores in test.volumes.values())
    }  # fmt: skip
    missing = {
        score.name: f"{run.experiment}/{run.path.name} was tested before this score existed; "
        f"python main.py test --run {run.quoted} computes it"
        for score in VOLUME_SCORES
        if score.name not in known
    }
    results = {
        name: {score: result for score, result in scores.items() if score in known}
        for name, scores in test.volumes.items()
    }
    return results, missing


def _check(name: str, recorded: float | None, computed: float | None) -> None:
    if (recorded is None) != (computed is None) or abs(
        (recorded or 0) - (computed or 0)
    ) > TOLERANCE:
        raise RecordError(f"{name} is {recorded}, but {computed} from the counts of the slices")
