"""From run folders to what a report needs from them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yaml import YAMLError

from callbacks.timing.record import TimingRecord, read_timing
from lightning_app.metrics.case_masks import VolumeTable
from lightning_app.metrics.count_table import CountTable
from lightning_app.metrics.evaluate import Results
from lightning_app.report.load.scores import MissingScores, scores_of_counts, scores_of_volumes
from lightning_app.results.test_record import TestRecord, read_slices, read_test, read_volumes
from lightning_app.runs.folder import Run, find_runs, run_config
from lightning_app.runs.records import (
    DataRecord,
    EnvironmentRecord,
    NetworkRecord,
    read_environment,
    read_network,
    read_rows,
    read_split,
)
from lightning_app.runs.status import current_status, is_finished

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class TestedRun:
    """A finished training with the results of its test.

    Attributes:
        run: its folder.
        network: class path.
        modality: such as t2f; several channels are joined by a plus sign.
        seed: of weights, shuffling and augmentation.
        config: every option of the training.
        environment: what it was trained on.
        size: parameters and multiply-adds of the network.
        test: what the test recorded.
        cases_per_split: number of cases in each split.
        scores: count scores by class and name.
        volumes: volume scores by class and name, of those that are known.
        missing: scores that the run lacks, and why.
        table: the counts of every tested slice.
        volume_table: the volume scores of every case; None if the test is of an earlier version.
        history: epoch and validation Dice.
        training_time: of the training, validation included.
        inference_time: of the test split, from the first read to the last mask.
    """

    __test__ = False  # pytest, this is not a test
    run: Run
    network: str
    modality: str
    seed: int
    config: dict[str, Any]
    environment: EnvironmentRecord
    size: NetworkRecord
    test: TestRecord
    cases_per_split: dict[str, int]
    scores: Results
    volumes: Results
    missing: MissingScores
    table: CountTable
    volume_table: VolumeTable | None
    history: list[tuple[int, float]]
    training_time: TimingRecord
    inference_time: TimingRecord

    @property
    def name(self) -> str:
        """Experiment and folder."""
        return _name(self.run)

    @property
    def data(self) -> DataRecord:
        """The tested data."""
        return self.test.data


@dataclass(frozen=True)
class LeftOut:
    """A run, or a test of a run, that the report does not use."""

    name: str
    reason: str


def read_runs(root: Path) -> tuple[list[TestedRun], list[LeftOut]]:
    """The newest tested run of every network, modality and seed below a root, and all others."""
    used: dict[tuple[str, str, int], TestedRun] = {}
    left_out: list[LeftOut] = []
    for run in find_runs(root):
        left_out += [
            LeftOut(f"{_name(run)}/{test.path.name}", "tested on other data or another split")
            for test in run.other_tests()
        ]
        if reason := _unusable(run):
            left_out.append(LeftOut(_name(run), reason))
            continue
        try:
            tested = _read(run)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, YAMLError) as error:
            left_out.append(LeftOut(_name(run), f"cannot be read: {one_line(error)}"))
            continue
        newest = used.setdefault((tested.network, tested.modality, tested.seed), tested)
        if newest is not tested:
            reason = f"{newest.name} is newer, of the same network, modality and seed"
            left_out.append(LeftOut(_name(run), reason))
    return list(used.values()), left_out


def one_line(error: Exception) -> str:
    """The message of an error as one line."""
    message = f"{error} is missing" if isinstance(error, KeyError) else str(error)
    kind = "" if isinstance(error, ValueError | KeyError | OSError) else f"{type(error).__name__}: "
    return " ".join(f"{kind}{message}".split())


def _unusable(run: Run) -> str | None:
    """Why there is nothing to report of a run; None if there is."""
    if not is_finished(run):
        return f"not finished: its status is {current_status(run)}"
    if not run.test().metrics.is_file():
        return f"not tested: python main.py test --run {run.path}"
    return None


def _read(run: Run) -> TestedRun:
    config, test = run_config(run), read_test(run.test())
    table = read_slices(run.test(), tuple(test.scores))
    volume_table = read_volumes(run.test(), tuple(test.scores))
    volumes, missing = scores_of_volumes(test, run)
    splits = [split for _, _, split in read_split(run.split)]
    return TestedRun(
        run=run,
        network=str(config["model"]["network"]["class_path"]),
        modality="+".join(config["data"]["modalities"]),
        seed=int(config["seed_everything"]),
        config=config,
        environment=read_environment(run.environment),
        size=read_network(run.network),
        test=test,
        cases_per_split={split: splits.count(split) for split in SPLITS},
        scores=scores_of_counts(test, table),
        volumes=volumes,
        missing=missing,
        table=table,
        volume_table=volume_table,
        history=_history(run.metrics),
        training_time=read_timing(run.timing),
        inference_time=read_timing(run.test().timing),
    )


def _history(path: Path) -> list[tuple[int, float]]:
    rows = read_rows(path, ("epoch", "val/dice"))
    return [(int(row["epoch"]), float(row["val/dice"])) for row in rows if row["val/dice"]]


def _name(run: Run) -> str:
    return f"{run.experiment}/{run.path.name}"
