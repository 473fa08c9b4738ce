"""The tests of all folds of a cross-validation as the test of one run."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

import numpy as np

from callbacks.timing.record import TimingRecord
from data_modules.utils.hashing import short_hash
from lightning_app.metrics.case_masks import VolumeTable
from lightning_app.metrics.count_scores import SCORES
from lightning_app.metrics.count_table import CountTable
from lightning_app.metrics.evaluate import (
    Results,
    accuracy_of_nothing,
    count_results,
    volume_results,
)
from lightning_app.metrics.volume_scores import VOLUME_SCORES
from lightning_app.report.load.scores import MissingScores
from lightning_app.report.load.tested_run import TestedRun


def pooled_run(folds: Sequence[TestedRun]) -> TestedRun:
    """One run with the counts, the cases and the scores of all folds.

    The training took as long as that of one fold on average, the test as long as all together:
    what is compared with another run is one training, and the test of all patients.

    Args:
        folds: the run of each fold, fold 0 first.
    """
    first = folds[0]
    table = _joined_counts([run.table for run in folds])
    volume_table = _joined_volumes([run.volume_table for run in folds])
    missing = {score: reason for run in folds for score, reason in run.missing.items()}
    scores, volumes = count_results(table, SCORES), _volumes(table, volume_table, missing)
    test = replace(
        first.test,
        data=replace(first.data, split=short_hash(" ".join(run.data.split for run in folds))),
        patients_trained_on=sum(run.test.patients_trained_on for run in folds),
        accuracy_of_nothing=accuracy_of_nothing(table),
        scores=scores,
        volumes=volumes,
    )
    return replace(
        first,
        test=test,
        scores=scores,
        volumes=volumes,
        missing=missing,
        table=table,
        volume_table=volume_table,
        training_time=_joined_time([run.training_time for run in folds], shared_by=len(folds)),
        inference_time=_joined_time([run.inference_time for run in folds], shared_by=1),
        fold=None,
        folds=tuple(folds),
    )


def _joined_counts(tables: Sequence[CountTable]) -> CountTable:
    """All slices, sorted by case and slice."""
    cases, patients, slices = (
        list(chain.from_iterable(getattr(table, name) for table in tables))
        for name in ("cases", "patients", "slices")
    )
    order = sorted(range(len(cases)), key=lambda row: (cases[row], slices[row]))
    return CountTable(
        tables[0].classes,
        [cases[row] for row in order],
        [patients[row] for row in order],
        [slices[row] for row in order],
        np.concatenate([table.counts for table in tables])[order],
    )


def _joined_volumes(tables: Sequence[VolumeTable | None]) -> VolumeTable | None:
    """All cases, sorted, with the scores that every fold has; None if a fold has no table."""
    known = [table for table in tables if table is not None]
    if len(known) < len(tables):
        return None
    cases, patients = (
        list(chain.from_iterable(getattr(table, name) for table in known))
        for name in ("cases", "patients")
    )
    order = sorted(range(len(cases)), key=lambda row: cases[row])
    shared = [name for name in known[0].values if all(name in table.values for table in known)]
    return VolumeTable(
        known[0].classes,
        [cases[row] for row in order],
        [patients[row] for row in order],
        {name: np.concatenate([table.values[name] for table in known])[order] for name in shared},
    )


def _volumes(counts: CountTable, table: VolumeTable | None, missing: MissingScores) -> Results:
    if table is None:
        return {name: {} for name in counts.classes}
    return volume_results(table, [score for score in VOLUME_SCORES if score.name not in missing])


def _joined_time(times: Sequence[TimingRecord], shared_by: int) -> TimingRecord:
    """Seconds of all folds, divided by a number; None if one was not measured."""
    seconds = [time.seconds for time in times if time.seconds is not None]
    total = sum(seconds) / shared_by if len(seconds) == len(times) else None
    return TimingRecord(total, times[0].device)
