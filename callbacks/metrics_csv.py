"""A CSV file of the scores, one row an epoch."""

import csv
from pathlib import Path

from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor


class MetricsCSV(Callback):
    """Append what was logged in each epoch to a file in the trainer's root folder.

    Lightning's CSVLogger deletes the file when it is opened again, and writes training and
    validation to rows of their own. Columns: epoch, step, lr (at the end of the epoch), then the
    logged names in alphabetical order; a score without a value is an empty cell.

    Args:
        filename: Name of the file.
    """

    def __init__(self, filename: str = "metrics.csv") -> None:
        self.filename = filename
        self._rate = 0.0
        self._validated = False

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: object, batch_idx: int
    ) -> None:
        """Note the rate that this epoch trains with, before the scheduler takes its step."""
        del pl_module, batch
        if batch_idx == 0 and trainer.optimizers:
            self._rate = float(trainer.optimizers[0].param_groups[0]["lr"])

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Note that the scores of the validation are of this epoch."""
        del trainer, pl_module
        self._validated = True

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the row."""
        del pl_module
        if not trainer.is_global_zero or trainer.fast_dev_run:  # type: ignore[attr-defined]
            return
        values: dict[str, object] = {
            "epoch": trainer.current_epoch,
            "step": trainer.global_step,
            "lr": self._rate,
        }
        # Lightning keeps the scores of an earlier validation where an epoch has none.
        logged = {
            name: value
            for name, value in trainer.callback_metrics.items()
            if self._validated or not name.startswith("val/")
        }
        self._validated = False
        values |= {name: _number(logged[name]) for name in sorted(logged)}
        _append(Path(trainer.default_root_dir) / self.filename, values)


def _number(value: Tensor) -> float | None:
    return float(value) if value.isfinite() else None


def _append(path: Path, values: dict[str, object]) -> None:
    """Add a row; where a score has no column yet, write the file anew with it."""
    rows: list[dict[str, object]] = []
    columns: list[str] = []
    if path.exists():
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            rows, columns = list(reader), list(reader.fieldnames or [])
    columns += [name for name in values if name not in columns]
    temporary = path.with_suffix(".part")
    with temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows([*rows, values])
    temporary.replace(path)
