"""The scores of a test, computed from its masks when it has ended."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from data_modules.utils.process_pool import cores, run_in_order
from data_modules.utils.progress import tracked
from lightning_app.metrics.case_masks import VolumeTable
from lightning_app.metrics.case_tables import CaseScores, case_tables, score_case
from lightning_app.metrics.count_table import CountTable
from lightning_app.metrics.evaluate import Results, count_results, volume_results
from lightning_app.metrics.volume_scores import VOLUME_SCORES
from lightning_app.scoring.tested_cases import TestedCases


@dataclass(frozen=True)
class TestScores:
    """What a test computes.

    Attributes:
        cases: the tested cases with their masks.
        scored: what was computed from the masks of each case.
        table: the counts of every tested slice.
        volume_table: the volume scores of every case.
        scores: the count scores, with intervals over patients, by class and name.
        volumes: the same of the volume scores.
        raw: the test of the masks without post-processing; None if there is none.
    """

    __test__ = False  # pytest, this is not a test
    cases: TestedCases
    scored: Sequence[CaseScores]
    table: CountTable
    volume_table: VolumeTable
    scores: Results
    volumes: Results
    raw: "TestScores | None" = None

    @classmethod
    def of(cls, cases: TestedCases, *, show_progress: bool) -> "TestScores":
        """Score cases; ``show_progress`` on standard error."""
        classes = cases.target.class_names
        scored = _scored(cases, classes, show_progress=show_progress)
        table, volumes = case_tables(scored, classes)
        of_volumes = volume_results(volumes, VOLUME_SCORES)
        return cls(cases, scored, table, volumes, count_results(table), of_volumes)


def logged_values(scores: Results, volumes: Results) -> dict[str, float]:
    """The values of a test's scores by the names under which they are logged.

    These are ``test/<class>/<score>`` and ``test/<class>/volumes/<score>``. An undefined score has
    none.
    """
    return {
        f"test/{name}/{group}{score}": result.value
        for group, by_class in (("", scores), ("volumes/", volumes))
        for name, results in by_class.items()
        for score, result in results.items()
        if result.value is not None
    }


def _scored(cases: TestedCases, classes: Sequence[str], *, show_progress: bool) -> list[CaseScores]:
    """Score the cases, volumes in parallel."""
    processes = 1 if cases.are_slices else min(cores(), len(cases))
    score = partial(score_case, classes=classes)
    with closing(run_in_order(score, cases, processes)) as scored:
        return list(tracked(scored, "Scoring cases", len(cases), show=show_progress))
