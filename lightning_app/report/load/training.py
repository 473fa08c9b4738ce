"""What a report needs to know of trainings: of one, or of several whose networks are joined."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from callbacks.timing.record import TimingRecord, read_timing
from data_modules.catalog.splits import SPLITS
from lightning_app.report.load.display_names import run_name, several
from lightning_app.report.load.settings import ENSEMBLE, MIRRORED, SEEDS, Options, options_of
from lightning_app.runs.folder import Run, run_config
from lightning_app.runs.record_values import RecordError, Values, column, number, whole_number
from lightning_app.runs.records import (
    EnvironmentRecord,
    NetworkRecord,
    read_environment,
    read_network,
    read_rows,
    read_split,
)
from lightning_app.utils.text import is_file_name, printable
from lightning_app.utils.yaml_file import get_option

_DICE = "val/dice"
_MIRROR_IMAGES = 4  # of an image, itself among them


class ValidatedEpoch(NamedTuple):
    """An epoch after which a run was validated.

    Attributes:
        number: from 0.
        dice: on the validation split.
        rating: of its weights, by the score that best.ckpt follows: the higher the better.
    """

    number: int
    dice: float
    rating: float


History = list[ValidatedEpoch]


class Fold(NamedTuple):
    """The fold of a cross-validation that a run tests.

    Attributes:
        number: from 0.
        folds: how many there are.
    """

    number: int
    folds: int


@dataclass(frozen=True)
class Training:
    """A finished training. The attributes are explained in TestedRun."""

    name: str
    network: str
    modality: str
    seed: int
    options: Options
    environment: EnvironmentRecord
    size: NetworkRecord
    cases_per_split: dict[str, int]
    history: History
    time: TimingRecord
    fold: Fold | None

    @property
    def data_in_words(self) -> str:
        """What it was trained on: the data and the split."""
        data = self.environment.data
        fold = f", fold {self.fold.number}" if self.fold else ""
        return f"{data.name} (split {data.split}{fold})"


def read_training(run: Run) -> Training:
    """Read the folder of a run.

    Raises:
        OSError, ValueError: a record is missing or damaged.
    """
    config = run_config(run)
    values = Values(config, run.config)
    splits = [split for _, _, split in read_split(run.split)]
    return Training(
        name=run_name(run),
        network=_network(values),
        modality=_modality(values),
        seed=values.whole_number("seed_everything"),
        options=options_of(config),
        environment=read_environment(run.environment),
        size=read_network(run.network),
        cases_per_split={split: splits.count(split) for split in SPLITS},
        history=history(run),
        time=read_time(run.timing),
        fold=_fold(values, len(splits)),
    )


def joined(trainings: Sequence[Training], *, is_mirrored: bool) -> Training:
    """Several trainings as the one of an ensemble, or a training for mirrored images.

    Args:
        trainings: the first stands for all in what cannot be joined.
        is_mirrored: whether images are mirrored too.
    """
    first, *others = trainings
    images = _MIRROR_IMAGES if is_mirrored else 1
    return replace(
        first,
        network=several(training.network for training in trainings),
        options=_joined_options(trainings, is_mirrored=is_mirrored),
        size=NetworkRecord(
            sum(training.size.parameters for training in trainings),
            sum(training.size.multiply_adds for training in trainings) * images,
            first.size.image_size,
        ),
        history=[],  # a report shows that of each run
        fold=None if others else first.fold,
        time=_total([training.time for training in trainings]),
    )


def history(run: Run) -> History:
    """Every validated epoch in metrics.csv.

    Raises:
        RecordError: metrics.csv or config.yaml is damaged.
        FileNotFoundError: there is none.
    """
    path = run.metrics
    rows = [row for row in read_rows(path, ("epoch", _DICE)) if row[_DICE]]
    epochs, dice = column(rows, "epoch", whole_number, path), column(rows, _DICE, number, path)
    ratings = _ratings(rows, run_config(run), path)
    return list(map(ValidatedEpoch, epochs, dice, ratings))


def _ratings(
    rows: Sequence[Mapping[str, str]], config: Mapping[str, Any], path: Path
) -> list[float]:
    """By what best.ckpt monitors; by Dice if that is not in metrics.csv. Undefined is worst."""
    monitor = get_option(config, "best_checkpoint.monitor")
    if not all(monitor in row for row in rows):
        return column(rows, _DICE, number, path)
    sign = -1 if get_option(config, "best_checkpoint.mode") == "min" else 1
    return column(rows, monitor, lambda cell: sign * number(cell) if cell else -math.inf, path)


def read_time(path: Path) -> TimingRecord:
    """Read timing.json. Raises as ``read_timing`` does."""
    timing = read_timing(path)
    return TimingRecord(timing.seconds, timing.device and printable(timing.device))


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


def _joined_options(trainings: Sequence[Training], *, is_mirrored: bool) -> Options:
    """The options of trainings, with all values if they differ, and how they are joined."""
    names = dict.fromkeys(name for training in trainings for name in training.options)
    options = {
        name: _all_values(training.options.get(name, "None") for training in trainings)
        for name in names
    }
    if is_mirrored:
        options[MIRRORED] = "True"
    if len(trainings) > 1:
        options[ENSEMBLE] = f"of {len(trainings)}"
        options[SEEDS] = ", ".join(map(str, sorted({training.seed for training in trainings})))
    return options


def _all_values(values: Iterable[str]) -> str:
    return " and ".join(dict.fromkeys(values))


def _total(times: Sequence[TimingRecord]) -> TimingRecord:
    """The sum; nothing if one was not measured."""
    seconds = [time.seconds for time in times if time.seconds is not None]
    is_complete = len(seconds) == len(times)
    return TimingRecord(sum(seconds) if is_complete else None, times[0].device)
