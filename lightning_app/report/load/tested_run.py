"""A finished training with the results of its test."""

from dataclasses import dataclass
from pathlib import Path

from callbacks.timing.record import TimingRecord
from lightning_app.metrics.case_masks import VolumeTable
from lightning_app.metrics.count_table import CountTable
from lightning_app.metrics.evaluate import Results
from lightning_app.report.load.display_names import run_name
from lightning_app.report.load.members import command_of, trainings
from lightning_app.report.load.scores import (
    MissingScores,
    Tested,
    scores_of_counts,
    scores_of_volumes,
)
from lightning_app.report.load.settings import Options
from lightning_app.report.load.training import Fold, History, joined, read_time, read_training
from lightning_app.results.test_record import TestRecord, read_test
from lightning_app.results.test_tables import read_slices
from lightning_app.runs.folder import ResultFolder, TestFolder
from lightning_app.runs.record_values import RecordError
from lightning_app.runs.records import DataRecord, EnvironmentRecord, NetworkRecord
from lightning_app.utils.text import printable


@dataclass(frozen=True)
class TestedWeights:
    """The weights of a run that were tested.

    Attributes:
        name: of the run.
        epoch: of the weights.
        history: of the run's training.
        trained_on: its data and its split, in words.
    """

    name: str
    epoch: int
    history: History
    trained_on: str

    @property
    def better_epoch_exists(self) -> bool:
        """Whether an epoch is better by the score that best.ckpt follows."""
        ratings = {epoch.number: epoch.rating for epoch in self.history}
        tested = ratings.get(self.epoch)
        return tested is not None and max(ratings.values()) > tested


@dataclass(frozen=True)
class TestedRun:
    """A finished training with the results of a test; also of several that are joined or pooled.

    Attributes:
        run: the folder of the run or the ensemble.
        folder: of the test.
        command: tests it on its own test split.
        network: class path; of several networks see ``display_names.several``.
        modality: such as t2f; several channels are joined by a plus sign.
        seed: of weights, shuffling and augmentation; of an ensemble that of its first run.
        options: every option of the training as text, by its dotted name.
        environment: what it was trained on.
        size: parameters and multiply-adds of the network.
        test: what the test recorded.
        cases_per_split: number of cases in each split.
        scores: count scores by class and name.
        volumes: volume scores by class and name, of those that are known.
        missing: scores that the run lacks, and why.
        table: the counts of every tested slice.
        volume_table: the volume scores of every case; None if the test is of an earlier version.
        history: every validated epoch; empty for an ensemble.
        weights: the tested weights, one for each run.
        training_time: of the training, validation included; of all runs of an ensemble.
        inference_time: of the test, from the first read to the last mask.
        fold: what is tested in a cross-validation; None for any other split, and for an ensemble.
        folds: the trainings that are pooled, see ``pool_folds``; empty if none are.
    """

    __test__ = False  # pytest, this is not a test
    run: ResultFolder
    folder: TestFolder
    command: str
    network: str
    modality: str
    seed: int
    options: Options
    environment: EnvironmentRecord
    size: NetworkRecord
    test: TestRecord
    cases_per_split: dict[str, int]
    scores: Results
    volumes: Results
    missing: MissingScores
    table: CountTable
    volume_table: VolumeTable | None
    history: History
    weights: tuple[TestedWeights, ...]
    training_time: TimingRecord
    inference_time: TimingRecord
    fold: Fold | None = None
    folds: tuple["TestedRun", ...] = ()

    @property
    def trainings(self) -> tuple["TestedRun", ...]:
        """The trainings behind the results: that of each fold, or the run itself."""
        return self.folds or (self,)

    @property
    def is_ensemble(self) -> bool:
        """Whether several runs are joined."""
        return len(self.weights) > 1

    @property
    def name(self) -> str:
        """Experiment and folder."""
        return run_name(self.run)

    @property
    def data(self) -> DataRecord:
        """The tested data."""
        return self.test.data


@dataclass(frozen=True)
class LeftOut:
    """A run, or a test of a run, that the report does not use."""

    name: str
    reason: str


def in_words(error: OSError | ValueError) -> str:
    """What is wrong with a run, in one line without its folder."""
    if isinstance(error, RecordError):
        return printable(error.in_run)
    if isinstance(error, OSError) and error.filename:
        return printable(f"{Path(error.filename).name}: {error.strerror}")
    return printable(str(error))


def read_tested_run(tested: ResultFolder, folder: TestFolder) -> TestedRun:
    """Read a test with its training, or with the trainings of an ensemble.

    Args:
        tested: the run or the ensemble.
        folder: of the test.

    Raises:
        OSError, ValueError: a record is missing or damaged.
    """
    runs, test = trainings(tested, folder), read_test(folder)
    read = [read_training(run) for run in runs]
    members = test.members
    training = joined(read, is_mirrored=members.is_mirrored) if members.runs else read[0]
    name = Tested(run_name(tested), command_of(tested, folder))
    table = read_slices(folder, tuple(test.scores))
    volumes = scores_of_volumes(test, table, folder, name)
    return TestedRun(
        run=tested,
        folder=folder,
        command=name.command,
        network=training.network,
        modality=training.modality,
        seed=training.seed,
        options={**training.options, **test.settings},
        environment=training.environment,
        size=training.size,
        test=test,
        cases_per_split=training.cases_per_split,
        scores=scores_of_counts(test, table, folder),
        volumes=volumes.results,
        missing=volumes.missing,
        table=table,
        volume_table=volumes.table,
        history=training.history,
        weights=tuple(
            TestedWeights(member.name, epoch, member.history, member.data_in_words)
            for member, epoch in zip(read, test.epochs, strict=True)
        ),
        training_time=training.time,
        inference_time=read_time(folder.timing),
        fold=training.fold,
    )
