"""The scores of a tested run: those that it recorded, and those that can be computed for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lightning_app.metrics.case_masks import VolumeTable
from lightning_app.metrics.count_scores import SCORES
from lightning_app.metrics.count_table import CountTable
from lightning_app.metrics.evaluate import (
    Results,
    accuracy_of_nothing,
    count_results,
    volume_results,
)
from lightning_app.metrics.score import VolumeScore
from lightning_app.metrics.volume_scores import VOLUME_SCORES
from lightning_app.report.load.display_names import test_again
from lightning_app.results.test_record import TestRecord
from lightning_app.results.test_tables import read_volumes
from lightning_app.runs.folder import TestFolder
from lightning_app.runs.record_values import RecordError
from lightning_app.utils.errors import UsageError

TOLERANCE = 1e-9

# Why a run lacks a score, by its name.
MissingScores = Mapping[str, str]


class Tested(NamedTuple):
    """What was tested: its display name, and the command that tests it."""

    name: str
    command: str


@dataclass(frozen=True)
class VolumeScores:
    """The volume scores of a tested run.

    Attributes:
        results: by class and name, of those that are known.
        missing: the others.
        table: the known scores of every case; None if the run has no such table.
    """

    results: Results
    missing: MissingScores
    table: VolumeTable | None


def scores_of_counts(test: TestRecord, table: CountTable, folder: TestFolder) -> Results:
    """Every count score of a test, from its counts: an earlier version had other intervals.

    Raises:
        RecordError: a recorded score is not that of the counts.
    """
    for name, share in accuracy_of_nothing(table).items():
        _check(folder, "accuracy_of_nothing", test.accuracy_of_nothing[name], share, "slices.csv")
    results = count_results(table, SCORES)
    for name, computed in results.items():
        for score, result in computed.items():
            if score in test.scores[name]:
                _check(folder, score, test.scores[name][score].value, result.value, "slices.csv")
    return results


def scores_of_volumes(
    test: TestRecord, counts: CountTable, folder: TestFolder, tested: Tested
) -> VolumeScores:
    """The volume scores of a test, and why others are missing: they need the masks.

    Args:
        test: its record.
        counts: its counts.
        folder: of the test.
        tested: that was tested.

    Raises:
        RecordError: volumes.csv cannot be read, holds other cases than the counts, or a recorded
            score is not that of its cases.
    """
    table = _volume_table(counts, folder)
    missing = {
        score.name: f"{reason}; {test_again(tested.command, folder)} computes it"
        for score in VOLUME_SCORES
        if (reason := _missing(score, test, table, tested.name))
    }
    known = [score for score in VOLUME_SCORES if score.name not in missing]
    results: Results = {name: {} for name in test.scores}
    if table is not None:
        results = _volume_results(table, known, folder)
        for name, computed in results.items():
            for score, result in computed.items():
                _check(folder, score, test.volumes[name][score].value, result.value, "volumes.csv")
    return VolumeScores(results, missing, table)


def _volume_results(
    table: VolumeTable, scores: Sequence[VolumeScore], folder: TestFolder
) -> Results:
    try:
        return volume_results(table, scores)
    except UsageError as error:
        raise RecordError(folder.volumes, str(error)) from None


def _volume_table(counts: CountTable, folder: TestFolder) -> VolumeTable | None:
    try:
        table = read_volumes(folder, counts.classes)
    except FileNotFoundError:
        return None
    by_case = counts.by_case()
    cases, tested = (sorted(zip(t.cases, t.patients, strict=True)) for t in (table, by_case))
    if cases != tested:
        raise RecordError(folder.volumes, "its cases are not those of slices.csv")
    return table


def _missing(score: VolumeScore, test: TestRecord, table: VolumeTable | None, name: str) -> str:
    """Why a run lacks a score; empty if it does not."""
    if any(score.name not in test.volumes.get(target, {}) for target in test.scores):
        return f"{name} was tested before this score existed"
    if table is None:
        return f"{name} has no volumes.csv any more"
    return "" if score.name in table.values else f"the volumes.csv of {name} lacks it"


def _check(
    folder: TestFolder, name: str, recorded: float | None, computed: float | None, source: str
) -> None:
    if (recorded is None) != (computed is None) or abs(
        (recorded or 0) - (computed or 0)
    ) > TOLERANCE:
        problem = f"{name} is {recorded}, but {computed} from {source}"
        raise RecordError(folder.metrics, problem)
