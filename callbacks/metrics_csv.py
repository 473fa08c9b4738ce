"""A CSV file of the scores, with one row per epoch."""

import csv
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from callbacks.checkpoints import is_extra_validation
from callbacks.utils.atomic_write import atomic_write
from callbacks.utils.file_names import check_file_name
from callbacks.utils.root_folder import make_root
from callbacks.utils.trainer import attributes

_COUNTS = ("epoch", "step")


class MetricsCSV(Callback):
    """Append the logged scores of each epoch to a file in the trainer's root folder.

    Lightning's CSVLogger deletes an existing file, and writes training and validation to separate
    rows. Columns: epoch, step, lr (at the end of the epoch), then the logged names in alphabetical
    order. A score that is missing or not finite is an empty cell.

    A resumed training appends to the file, after rows of epochs that it repeats are removed.

    Args:
        filename: Name of the file.

    Raises:
        ValueError: ``filename`` is a path.
    """

    def __init__(self, filename: str = "metrics.csv") -> None:
        self.filename = check_file_name("metrics_csv.filename", filename)
        self._rate = 0.0
        self._validation: dict[str, float | None] = {}

    def state_dict(self) -> dict[str, Any]:
        """Save the scores of a validation within an epoch, for the row at its end."""
        return {"validation": self._validation}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the scores of the current epoch."""
        values = state_dict["validation"]
        self._validation = {str(k): None if v is None else float(v) for k, v in values.items()}

    def check(self, folder: Path) -> None:
        """Check that the file in a run's folder, if there is one, can be continued.

        Raises:
            ValueError: it is damaged.
        """
        if (path := folder / self.filename).exists():
            _read(path)

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Make the trainer's root folder: it is not made again if it vanishes in a training."""
        make_root(trainer, stage)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Remove rows of epochs that are still to be trained, or to be finished."""
        path = self._path(trainer)
        if trainer.is_global_zero and path.exists():
            rows, columns = _read(path)
            epochs: Any = trainer.fit_loop.epoch_progress.current
            _write(path, [row for row in rows if int(row["epoch"]) < epochs.processed], columns)

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: object, batch_idx: int
    ) -> None:
        """Record the learning rate, before the scheduler changes it at the end of the epoch."""
        if trainer.optimizers:
            self._rate = float(trainer.optimizers[0].param_groups[0]["lr"])

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Record the scores now: callback_metrics keeps them in epochs without validation."""
        if trainer.sanity_checking or is_extra_validation(trainer):  # of no whole epoch
            return
        self._validation = validation_scores(trainer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Add a row."""
        training = training_scores(trainer)
        if not trainer.is_global_zero or attributes(trainer).fast_dev_run:
            return
        values: dict[str, object] = {
            "epoch": trainer.current_epoch,
            "step": trainer.global_step,
            "lr": self._rate,
        }
        values |= dict(sorted((training | self._validation).items()))
        self._validation = {}
        self._append(trainer, values)

    def _append(self, trainer: Trainer, values: dict[str, object]) -> None:
        """Add a row, and a column for each score that has none yet."""
        path = self._path(trainer)
        rows, columns = _read(path) if path.exists() else ([], [])
        columns += [name for name in values if name not in columns]
        _write(path, [*rows, values], columns)

    def _path(self, trainer: Trainer) -> Path:
        return Path(trainer.default_root_dir) / self.filename


def validation_scores(trainer: Trainer) -> dict[str, float | None]:
    """The scores logged as ``val/...``, in the last validation; None for one that is not finite.

    All ranks must call this: the first to read a score may reduce it over the ranks.
    """
    scores = trainer.callback_metrics.items()
    return {name: _number(value) for name, value in scores if name.startswith("val/")}


def training_scores(trainer: Trainer) -> dict[str, float | None]:
    """All other logged scores; None for one that is not finite. All ranks must call this."""
    scores = trainer.callback_metrics.items()
    return {name: _number(value) for name, value in scores if not name.startswith("val/")}


def _number(value: Tensor) -> float | None:
    return float(value) if value.isfinite() else None


def _read(path: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """The rows and the columns.

    Raises:
        ValueError: the file is damaged.
        OSError: it cannot be read.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file, strict=True)
            rows, columns = list(reader), list(reader.fieldnames or [])
        _check(rows, columns)
    except (ValueError, csv.Error) as error:
        raise ValueError(
            f"'{path}' is damaged ({error}): move it away to go on without its rows"
        ) from error
    return rows, columns


def _check(rows: list[dict[str, Any]], columns: list[str]) -> None:
    """Raise ValueError unless every row has a value for each column, with epoch and step."""
    for name in _COUNTS:
        if name not in columns:
            raise ValueError(f"it has no column '{name}'")
    for row in rows:
        if None in row or None in row.values():  # as DictReader marks too many and too few
            raise ValueError("a row is longer or shorter than the header")
        for name in _COUNTS:
            int(row[name])


def _write(path: Path, rows: list[dict[str, Any]], columns: list[str]) -> None:
    """Replace the file atomically.

    Raises:
        OSError: the file cannot be written; the old one is kept.
    """
    with atomic_write(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
