"""A figure of the training curves."""

import csv
import logging
import math
import time
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from callbacks.utils.atomic_write import atomic_write
from callbacks.utils.file_names import check_file_name

_log = logging.getLogger(__name__)

Row = dict[str, str]
_SECONDS_BETWEEN = 60  # figures of 0.3 s each
_LOSSES = {"train/loss": "training", "val/loss": "validation"}


class TrainingPicture(Callback):
    """Plot loss, score and learning rate over the epochs, counted from 1.

    The figure is drawn after an epoch, at most every minute so that short epochs take no longer,
    and when the training ends or fails. The data come from the file of MetricsCSV, which
    must come first among the callbacks, so the plot of a resumed training is complete.

    Args:
        score: The logged score to plot.
        metrics: Name of the file of MetricsCSV, in the trainer's root folder.
        filename: Name of the figure, in the same folder.

    Raises:
        ValueError: A name is a path.
    """

    def __init__(
        self,
        score: str = "val/dice",
        metrics: str = "metrics.csv",
        filename: str = "training.png",
    ) -> None:
        self.score = score
        self.metrics = check_file_name("training_picture.metrics", metrics)
        self.filename = check_file_name("training_picture.filename", filename)
        self._drawn_at = time.monotonic()
        self._has_failed = False

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Plot the epochs so far."""
        if time.monotonic() - self._drawn_at >= _SECONDS_BETWEEN:
            self._draw(trainer)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Plot the whole training."""
        self._draw(trainer)

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Plot the epochs before the exception."""
        self._draw(trainer)

    def _draw(self, trainer: Trainer) -> None:
        source = Path(trainer.default_root_dir) / self.metrics
        if not trainer.is_global_zero or not source.is_file():
            return
        try:
            with source.open(newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
            if rows:
                draw_training(source.parent / self.filename, rows, self.score)
        except (OSError, ValueError, KeyError, csv.Error) as error:  # must not fail the training
            if not self._has_failed:
                _log.warning("%s cannot be written: %s", self.filename, error)
            self._has_failed = True
        self._drawn_at = time.monotonic()


def draw_training(path: Path, rows: list[Row], score: str) -> None:
    """Plot losses, a score and the learning rate over the epochs, counted from 1, in three panels.

    Args:
        path: the PNG.
        rows: rows of metrics.csv, whose epochs count from 0.
        score: column of the score.

    Raises:
        OSError: the PNG cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(7, 7), layout="constrained")
    FigureCanvasAgg(figure)
    losses, scores, rates = figure.subplots(3, 1, sharex=True, height_ratios=(3, 3, 1))
    epochs = [int(row["epoch"]) + 1 for row in rows]
    for column, name in _LOSSES.items():
        _curve(losses, epochs, _values(rows, column), label=name)
    losses.set_ylabel("loss")
    losses.legend(frameon=False)
    _curve(scores, epochs, _values(rows, score))
    _mark_highest(scores, epochs, _values(rows, score))
    scores.set_ylabel(score)
    _curve(rates, epochs, _values(rows, "lr"))
    rates.set_ylabel("learning rate")
    rates.set_xlabel("epoch")
    rates.xaxis.set_major_locator(MaxNLocator(integer=True))
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=100, format="png")


def _values(rows: list[Row], column: str) -> list[float]:
    """A column, with NaN for empty cells, which leaves gaps in the curve."""
    return [float(row.get(column) or math.nan) for row in rows]


def _curve(axis: Any, epochs: list[int], values: list[float], label: str | None = None) -> None:
    """Plot dots, joined by lines unless there is a gap."""
    axis.plot(epochs, values, marker=".", label=label)
    axis.grid(alpha=0.3)


def _mark_highest(axis: Any, epochs: list[int], values: list[float]) -> None:
    pairs = zip(values, epochs, strict=True)
    finite = [(value, -epoch) for value, epoch in pairs if not math.isnan(value)]
    if finite:
        highest, negated_epoch = max(finite)  # of equal scores, the first
        axis.axvline(-negated_epoch, color="grey", linestyle=":")
        axis.set_title(f"highest {highest:.4f}, epoch {-negated_epoch}", loc="right", fontsize=9)
