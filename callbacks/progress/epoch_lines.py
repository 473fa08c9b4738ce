"""A line on standard output for each epoch."""

import time
from collections.abc import Callable, Sequence
from datetime import timedelta

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

from callbacks.checkpoints import is_extra_validation
from callbacks.metrics_csv import training_scores, validation_scores
from callbacks.utils.trainer import batches_trained, epoch_of_epochs, seconds_left

_SCORES = ("train/loss", "val/loss", "val/dice")
_DIGITS = 8  # least width of a number


class EpochLines(Callback):
    """Print the scores of each epoch, whether it is the best so far, and how long it took.

    Epochs are counted from 1. A score that is missing or not finite is a dash. The time left is
    estimated from the batches since the training was started or resumed; with early stopping it
    is the most that is left.

    Args:
        best: Decides which epoch is the best. The score that it monitors is printed too.
        clock: Returns seconds.
    """

    def __init__(self, best: ModelCheckpoint, clock: Callable[[], float] = time.monotonic) -> None:
        self._best = best
        self._clock = clock
        self._scores = list(dict.fromkeys((*_SCORES, str(best.monitor))))
        self._validation: dict[str, float | None] = {}

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print the heading and start the clock."""
        self._best_score = self._best.best_model_score  # restored if the training is resumed
        self._first_batch = batches_trained(trainer)
        self._started = self._epoch_started = self._clock()
        epoch_width = max(len("epoch"), 2 * len(str(trainer.max_epochs)) + 1)
        score_widths = [max(len(name), _DIGITS) for name in self._scores]
        self._widths = [epoch_width, *score_widths, len("best"), _DIGITS, _DIGITS]
        self._print(trainer, ["epoch", *self._scores, "", "seconds", "left"])

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Record the scores now: callback_metrics keeps them in epochs without validation."""
        if not (trainer.sanity_checking or is_extra_validation(trainer)):
            self._validation = validation_scores(trainer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print the line of the epoch."""
        now, scores = self._clock(), training_scores(trainer) | self._validation
        mark = "" if self._best.best_model_score == self._best_score else "best"
        seconds = f"{now - self._epoch_started:.1f}"
        left = self._time_left(trainer, now - self._started)
        numbers = [_four_decimals(scores.get(name)) for name in self._scores]
        self._print(trainer, [epoch_of_epochs(trainer), *numbers, mark, seconds, left])
        self._best_score = self._best.best_model_score
        self._epoch_started = now
        self._validation = {}

    def _time_left(self, trainer: Trainer, elapsed: float) -> str:
        """In hours, minutes and seconds; empty if nothing limits the training."""
        per_batch = elapsed / max(batches_trained(trainer) - self._first_batch, 1)
        left = seconds_left(trainer, per_batch)
        return "" if left is None else str(timedelta(seconds=round(left)))

    def _print(self, trainer: Trainer, cells: Sequence[str]) -> None:
        if trainer.is_global_zero:
            padded = (cell.rjust(width) for cell, width in zip(cells, self._widths, strict=True))
            print("  ".join(padded))


def _four_decimals(score: float | None) -> str:
    return "-" if score is None else f"{score:.4f}"
