"""A CSV file of the scores, one row an epoch."""

import csv
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from callbacks.utils.atomic_write import atomic_write


class MetricsCSV(Callback):
    """Append what was logged in each epoch to a file in the trainer's root folder.

    Lightning's CSVLogger deletes the file when it is opened again, and writes training and
    validation to rows of their own. Columns: epoch, step, lr (at the end of the epoch), then the
    logged names in alphabetical order; a score without a value is an empty cell.

    A training that goes on from a checkpoint goes on in the file: rows of epochs that it will do
    again are taken out.

    Args:
        filename: Name of the file.

    Raises:
        ValueError: it is no name but a path.
    """

    def __init__(self, filename: str = "metrics.csv") -> None:
        if Path(filename).name != filename or filename in {"", ".."}:
            raise ValueError(f"metrics_csv.filename is '{filename}', expected a name, no path")
        self.filename = filename
        self._rate = 0.0
        self._validation: dict[str, float | None] = {}

    def state_dict(self) -> dict[str, Any]:
        """The scores of a validation in the middle of an epoch, for the row at its end."""
        return {"validation": self._validation}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on in the middle of an epoch."""
        self._validation = state_dict["validation"]

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take out the rows beyond the step that the training goes on from."""
        path = self._path(trainer)
        if trainer.is_global_zero and path.exists():
            rows, columns = _read(path)
            _write(path, [r for r in rows if int(r["step"]) <= trainer.global_step], columns)

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: object, batch_idx: int
    ) -> None:
        """Note the rate that this epoch trains with, before the scheduler takes its step."""
        if trainer.optimizers:
            self._rate = float(trainer.optimizers[0].param_groups[0]["lr"])

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Note the scores of this epoch: where one has none, Lightning keeps those before."""
        self._validation = {
            name: _number(value)
            for name, value in trainer.callback_metrics.items()
            if name.startswith("val/")
        }

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the row."""
        training = {
            name: _number(value)
            for name, value in trainer.callback_metrics.items()
            if not name.startswith("val/")
        }
        if not trainer.is_global_zero or trainer.fast_dev_run:  # type: ignore[attr-defined]
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
        """Add a row; where a score has no column yet, the file gets one."""
        path = self._path(trainer)
        rows, columns = _read(path) if path.exists() else ([], [])
        columns += [name for name in values if name not in columns]
        _write(path, [*rows, values], columns)

    def _path(self, trainer: Trainer) -> Path:
        return Path(trainer.default_root_dir) / self.filename


def _number(value: Tensor) -> float | None:
    return float(value) if value.isfinite() else None


def _read(path: Path) -> tuple[list[dict[str, Any]], list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        return list(reader), list(reader.fieldnames or [])


def _write(path: Path, rows: list[dict[str, Any]], columns: list[str]) -> None:
    """Write the whole file anew, so that it is never half written.

    Raises:
        OSError: it cannot be written; what was there is left.
    """
    with atomic_write(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
