"""Whether the length of a learning rate schedule fits that of the training."""

import logging
import math
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from torch.optim import lr_scheduler

from callbacks.utils.trainer import attributes
from lightning_app.utils.errors import UsageError

_log = logging.getLogger(__name__)

# The attributes in which schedules of torch keep the length of their only cycle.
_LENGTHS = {
    lr_scheduler.OneCycleLR: "total_steps",
    lr_scheduler.CosineAnnealingLR: "T_max",
    lr_scheduler.PolynomialLR: "total_iters",
}


class ScheduleLength(Callback):
    """Report a schedule that ends before or after the training, once the data are known."""

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Compare the lengths.

        Raises:
            UsageError: the schedule cannot be stepped to the end of the training.
        """
        configured: Any = pl_module.configure_optimizers()
        if stage != "fit" or not isinstance(configured, dict):
            return
        stepped = configured["lr_scheduler"]
        schedule, unit = stepped["scheduler"], stepped["interval"]
        attribute = _LENGTHS.get(type(schedule))
        if attribute is None:
            return
        length = _length(trainer, unit)
        if (cycle := getattr(schedule, attribute)) == length:
            return
        line = (
            f"the {attribute} of {type(schedule).__name__} is {cycle}, but the training has "
            f"{length} {unit}s, after each of which the schedule is stepped"
        )
        if isinstance(schedule, lr_scheduler.OneCycleLR) and cycle < length:
            raise UsageError(f"{line}: expected {length}")
        _log.warning("warning: %s: its cycle does not end with the training", line)


def _length(trainer: Trainer, unit: str) -> float:
    """Epochs or optimizer steps of a training; infinite if it has no limit."""
    batches, limit = attributes(trainer).datamodule.train_batches, trainer.limit_train_batches
    batches = min(batches, limit) if isinstance(limit, int) else int(batches * limit)
    in_epoch = math.ceil(batches / trainer.accumulate_grad_batches)
    epochs = math.inf if trainer.max_epochs in (None, -1) else trainer.max_epochs
    if trainer.max_steps != -1:
        epochs = min(epochs, trainer.max_steps / max(in_epoch, 1))
    length = epochs * in_epoch if unit == "step" else epochs
    return length if math.isinf(length) else math.ceil(length)
