"""Dice on patients that the network never saw, at equal minutes of training.

Five folds: each patient is scored by a network that was trained on others, and whose epoch was
chosen on others. What has an outcome below results/accuracy is not trained again. At the end
``tune`` chooses post-processing for the runs of our recipes.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.accuracy.figure import draw
from benchmarks.accuracy.plan import trainings
from benchmarks.accuracy.tables import rows
from benchmarks.accuracy.training import Training
from benchmarks.accuracy.tuned import tune_folds
from benchmarks.utils.measuring import ROOT, run_process
from benchmarks.utils.rows import Row

CACHE = ROOT / "cache" / "accuracy"
MINUTES = {"glioma": 10.0, "lgg": 8.0}  # seven and ten epochs of the paper's recipe
OTHER_DATA = 10.0
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def measure(folder: Path, data: Sequence[Path] = ()) -> list[Row]:
    """Train what is missing, and compare.

    Args:
        folder: of the outcomes, with a folder for each data set.
        data: roots of the data sets to train on.
    """
    for root in data:
        output = folder / root.name
        for training in _missing(folder, root):
            _train(training, output)
        tune_folds(root.absolute(), _minutes(root), CACHE, output)
    trained = {path for path in folder.glob("*") if path.is_dir()}
    for outcomes in trained:
        draw(outcomes, outcomes / "curve.png")
    compared = sorted(trained | {folder / name for name in MINUTES})
    return [row for outcomes in compared for row in rows(outcomes)]


def packages(folder: Path, data: Sequence[Path]) -> set[str]:
    """The packages of others that the trainings import that ``measure`` would run."""
    missing = (training for root in data for training in _missing(folder, root))
    return {training.how.package for training in missing if training.how.package}


def _missing(folder: Path, root: Path) -> Iterator[Training]:
    for training in trainings(root.absolute(), _minutes(root)):
        if not training.file(folder / root.name).is_file():
            yield training


def _minutes(root: Path) -> float:
    return MINUTES.get(root.name, OTHER_DATA)


def _train(training: Training, output: Path) -> None:
    print(f"{training.data.name}: {training.name}", flush=True)
    arguments = [training.data, training.setting, training.fold, training.seed, training.minutes]
    run_process(
        [sys.executable, "-m", "benchmarks.accuracy", *map(str, [*arguments, CACHE, output])],
        environment={**os.environ, **ONE_THREAD},
    )
