"""From run folders to what a report needs from them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from callbacks.timing.record import TimingRecord, read_timing
from data_modules.catalog.splits import SPLITS
from lightning_app.metrics.case_masks import VolumeTable
from lightning_app.metrics.count_table import CountTable
from lightning_app.metrics.evaluate import Results
from lightning_app.report.load.display_names import run_name, test_again, test_command
from lightning_app.report.load.named_runs import named_runs
from lightning_app.report.load.other_tests import PARTIAL, test_name, why_not_external
from lightning_app.report.load.scores import MissingScores, scores_of_counts, scores_of_volumes
from lightning_app.report.load.settings import Options, options_of
from lightning_app.results.partial_test import is_partial
from lightning_app.results.test_record import TestRecord, read_slices, read_test
from lightning_app.runs.folder import Run, TestFolder, is_file, run_config
from lightning_app.runs.record_values import RecordError, Values, column, number, whole_number
from lightning_app.runs.records import (
    DataRecord,
    EnvironmentRecord,
    NetworkRecord,
    read_environment,
    read_network,
    read_record,
    read_rows,
    read_split,
)
from lightning_app.runs.status import current_status, is_finished, training_limits
from lightning_app.utils.text import is_file_name, printable


class Fold(NamedTuple):
    """The fold of a cross-validation that a run tests.

    Attributes:
        number: from 0.
        folds: how many there are.
    """

    number: int
    folds: int


@dataclass(frozen=True)
class TestedRun:
    """A finished training with the results of its test, or those of all folds pooled.

    Attributes:
        run: its folder.
        folder: of the test.
        network: class path.
        modality: such as t2f; several channels are joined by a plus sign.
        seed: of weights, shuffling and augmentation.
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
        history: epoch and validation Dice.
        training_time: of the training, validation included.
        inference_time: of the test, from the first read to the last mask.
        fold: what is tested in a cross-validation; None for any other split.
        folds: the trainings that are pooled, see ``pool_folds``; empty for a single training.
    """

    __test__ = False  # pytest, this is not a test
    run: Run
    folder: TestFolder
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
    history: list[tuple[int, float]]
    training_time: TimingRecord
    inference_time: TimingRecord
    fold: Fold | None = None
    folds: tuple["TestedRun", ...] = ()

    @property
    def trainings(self) -> tuple["TestedRun", ...]:
        """The trainings behind the results: that of each fold, or the run itself."""
        return self.folds or (self,)

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


def read_runs(*paths: Path) -> tuple[list[TestedRun], list[LeftOut]]:
    """The finished and tested runs that are named, the newest first, and all others.

    Args:
        paths: run folders, and folders of runs.

    Raises:
        UsageError: a path leads to no run.
    """
    runs = named_runs(paths)
    used, left_out = _read_tests([(run, run.test()) for run in runs], _why_untested)
    left_out += [
        LeftOut(test_name(run, test), reason)
        for run in runs
        for test in run.other_tests()
        if (reason := why_not_external(run, test))
    ]
    return used, left_out


def read_external_tests(*paths: Path) -> tuple[list[TestedRun], list[LeftOut]]:
    """The tests on other data of the finished runs that are named, the newest run first.

    A run with several such tests comes several times. Left out are those that cannot be read.

    Args:
        paths: run folders, and folders of runs.

    Raises:
        UsageError: a path leads to no run.
    """
    tests = [(run, test) for run in named_runs(paths) for test in run.other_tests()]
    external = [(run, test) for run, test in tests if not why_not_external(run, test)]
    used, left_out = _read_tests(external, _why_incomplete)
    return list(map(_with_training_data, used)), left_out


def _read_tests(
    tests: Iterable[tuple[Run, TestFolder]], why_not: Callable[[Run, TestFolder], str | None]
) -> tuple[list[TestedRun], list[LeftOut]]:
    """Read some tests; left out are those for which there is a reason, and the damaged ones."""
    used: list[TestedRun] = []
    left_out: list[LeftOut] = []
    for run, test in tests:
        try:
            if reason := _why_untrained(run) or why_not(run, test):
                left_out.append(LeftOut(test_name(run, test), reason))
            else:
                used.append(_read(run, test))
        except (OSError, ValueError) as error:
            reason = f"cannot be read: {in_words(error)}"
            left_out.append(LeftOut(test_name(run, test), reason))
    return used, left_out


def _with_training_data(test: TestedRun) -> TestedRun:
    """A test on other data, with the data of the training as an option.

    Tests on the same data may be of runs that were trained on different patients.
    """
    trained = test.environment.data
    fold = f", fold {test.fold.number}" if test.fold else ""
    trained_on = f"{trained.name} (split {trained.split}{fold})"
    return replace(test, options={**test.options, "training on": trained_on})


def _why_untrained(run: Run) -> str | None:
    """Why no test of a run is reported; None if there is no reason."""
    if not is_finished(run):
        return f"not finished: its status is {_status(run)}"
    if limited := training_limits(run):
        return f"trained in part: {limited}"
    return None


def _why_untested(run: Run, test: TestFolder) -> str | None:
    """Why the test of a run on its own test split is not reported."""
    if not is_file(test.metrics):
        return f"not tested: {test_command(run)}"
    if reason := _why_incomplete(run, test):
        return reason
    return f"{PARTIAL}: {test_command(run)}" if is_partial(run) else None


def _why_incomplete(run: Run, test: TestFolder) -> str | None:
    if is_file(test.metrics) and is_file(test.slices):
        return None
    return f"its test did not write all files: {test_again(run, test)}"


def _status(run: Run) -> str:
    try:
        Values(read_record(run.status), run.status).text("status")
    except (OSError, RecordError) as error:
        return f"unknown ({in_words(error)})"
    return printable(current_status(run))


def in_words(error: OSError | ValueError) -> str:
    """What is wrong with a run, in one line without its folder."""
    if isinstance(error, RecordError):
        return printable(error.in_run)
    if isinstance(error, OSError) and error.filename:
        return printable(f"{Path(error.filename).name}: {error.strerror}")
    return printable(str(error))


def _read(run: Run, folder: TestFolder) -> TestedRun:
    config, test = run_config(run), read_test(folder)
    table = read_slices(folder, tuple(test.scores))
    volumes = scores_of_volumes(test, table, folder, run)
    splits = [split for _, _, split in read_split(run.split)]
    values = Values(config, run.config)
    return TestedRun(
        run=run,
        folder=folder,
        network=_network(values),
        modality=_modality(values),
        seed=values.whole_number("seed_everything"),
        options={**options_of(config), **test.settings},
        environment=read_environment(run.environment),
        size=read_network(run.network),
        test=test,
        cases_per_split={split: splits.count(split) for split in SPLITS},
        scores=scores_of_counts(test, table, folder),
        volumes=volumes.results,
        missing=volumes.missing,
        table=table,
        volume_table=volumes.table,
        history=history(run.metrics),
        training_time=_timing(run.timing),
        inference_time=_timing(folder.timing),
        fold=_fold(values, len(splits)),
    )


def _network(config: Values) -> str:
    """The class path of the network, which names it in tables and legends."""
    network = config.values("model").values("network")
    path = network.text("class_path")
    if not all(name.isidentifier() for name in path.split(".")):
        problem = f"model.network.class_path is '{path}', expected a class such as models.UNet"
        raise RecordError(network.path, problem)
    return path


def _modality(config: Values) -> str:
    """The modalities, joined; they are part of the names of the report's files."""
    modality = "+".join(config.values("data").texts("modalities"))
    if not is_file_name(modality):
        problem = f"data.modalities is '{modality}', expected names such as t1c"
        raise RecordError(config.path, problem)
    return modality


def _fold(config: Values, cases: int) -> Fold | None:
    data = config.values("data")
    if not data.has("folds"):
        return None
    fold = Fold(data.whole_number("fold"), data.whole_number("folds"))
    if not fold.number < fold.folds <= cases:
        problem = f"data.fold is {fold.number} of {fold.folds} folds of {cases} cases"
        raise RecordError(data.path, problem)
    return fold


def history(path: Path) -> list[tuple[int, float]]:
    """Epoch and validation Dice of every validated epoch in metrics.csv. Raises as read_rows."""
    rows = [row for row in read_rows(path, ("epoch", "val/dice")) if row["val/dice"]]
    epochs = column(rows, "epoch", whole_number, path)
    return list(zip(epochs, column(rows, "val/dice", number, path), strict=True))


def _timing(path: Path) -> TimingRecord:
    timing = read_timing(path)
    return TimingRecord(timing.seconds, timing.device and printable(timing.device))
