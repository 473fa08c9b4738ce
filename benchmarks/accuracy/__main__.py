"""Train once, in a process of its own with one thread: ``python -m benchmarks.accuracy``.

Beside the outcomes there is ``<setting>-epoch.json``: the CPU seconds of an epoch of that
setting, by which the epochs of all its trainings are chosen.
"""

import argparse
from pathlib import Path

import torch

from benchmarks.accuracy.budget import epochs_for
from benchmarks.accuracy.recipes import train as train_recipe
from benchmarks.accuracy.settings import TRAINED
from benchmarks.accuracy.training import Outcome, Training, write_outcome


def main() -> None:
    """Train, test, and write the outcome."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("setting", choices=TRAINED)
    parser.add_argument("fold", type=int)
    parser.add_argument("seed", type=int)
    parser.add_argument("minutes", type=float)
    parser.add_argument("cache", type=Path)
    parser.add_argument("output", type=Path)
    options = vars(parser.parse_args())
    cache, output = options.pop("cache"), options.pop("output")
    torch.set_num_threads(1)
    training = Training(**options)
    epochs = epochs_for(training, output, lambda first, number: train(first, number, cache))
    write_outcome(training.file(output), training, train(training, epochs, cache))


def train(training: Training, epochs: int, cache: Path) -> Outcome:
    """Train with a recipe of ours, or in a loop."""
    if training.how.options is not None:
        return train_recipe(training, epochs, cache)
    from benchmarks.accuracy.loops import train as train_loop  # needs MONAI or smp

    return train_loop(training, epochs, cache)


if __name__ == "__main__":
    main()
