from dataclasses import replace
from pathlib import Path

from benchmarks.accuracy.budget import TRIED, epochs_for
from benchmarks.accuracy.settings import PAPER, REAL_THIRD
from benchmarks.accuracy.training import Outcome, Training

TRAINING = Training(Path("data"), PAPER, 3, 1, 5.0)


class _Trial:
    """Takes 50 seconds for the first epoch and 40 for each other."""

    def __init__(self) -> None:
        self.trainings: list[Training] = []

    def __call__(self, training: Training, epochs: int) -> Outcome:
        self.trainings.append(training)
        assert epochs == TRIED
        return Outcome(epochs, [50.0, *[40.0] * (epochs - 1)], [], {})


def test_as_many_epochs_as_fit_into_the_minutes(tmp_path: Path) -> None:
    assert epochs_for(TRAINING, tmp_path, _Trial()) == 7
    third = replace(TRAINING, setting=REAL_THIRD)
    assert epochs_for(third, tmp_path, _Trial()) == 2


def test_all_folds_and_seeds_have_the_epochs_of_one_trial(tmp_path: Path) -> None:
    trial = _Trial()

    first = epochs_for(TRAINING, tmp_path, trial)
    second = epochs_for(replace(TRAINING, fold=4, seed=2), tmp_path, trial)

    assert first == second
    assert trial.trainings == [replace(TRAINING, fold=0, seed=0)]


def test_one_epoch_is_the_least(tmp_path: Path) -> None:
    assert epochs_for(replace(TRAINING, minutes=0.1), tmp_path, _Trial()) == 1
