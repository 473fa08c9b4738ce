"""What Lightning overlooks when it resumes a training."""

from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import GradientAccumulationScheduler

from callbacks.utils.trainer import attributes

_NO_LIMIT = -1  # as Trainer has it


class EpochResume(Callback):
    """Let a resumed training start in the right epoch, and with what holds in that epoch.

    With ``max_steps`` Lightning takes a checkpoint from the end of an epoch for one from within it:
    that epoch ends once more, without a batch, and the training has an epoch less. So the limit is
    put aside while Lightning restores its loops.

    Within an epoch Lightning does not call ``on_train_epoch_start``, in which a
    GradientAccumulationScheduler looks up the epoch.
    """

    def __init__(self) -> None:
        self._max_steps = _NO_LIMIT
        self._is_left = False

    def on_load_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Note whether steps are left: without, Lightning does not start."""
        self._is_left = checkpoint["global_step"] < trainer.max_steps

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Lift the limit: optimizer and schedule have been made, the loops are restored next."""
        if self._is_left:
            self._max_steps = trainer.max_steps
            trainer.fit_loop.epoch_loop.max_steps = _NO_LIMIT

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Set the limit again, and what a schedule says of the epoch."""
        if self._is_left:
            trainer.fit_loop.epoch_loop.max_steps = self._max_steps
        for callback in attributes(trainer).callbacks:
            if isinstance(callback, GradientAccumulationScheduler):
                callback.on_train_epoch_start(trainer, pl_module)
