"""Resume after a finished epoch, although the steps of the training are limited."""

from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

_NO_LIMIT = -1  # as Trainer has it


class EpochResume(Callback):
    """Put ``max_steps`` aside while Lightning restores its loops, in a training that is resumed.

    With a limit of steps Lightning takes a checkpoint from the end of an epoch for one from within
    it. Then that epoch ends once more, without a batch, and the training has an epoch less.
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
        """Set the limit again."""
        if self._is_left:
            trainer.fit_loop.epoch_loop.max_steps = self._max_steps
