"""Resume after a finished epoch, although the steps of the training are limited."""

from lightning.pytorch import Callback, LightningModule, Trainer

_NO_LIMIT = -1  # as Trainer has it


class EpochResume(Callback):
    """Put ``max_steps`` aside while Lightning restores its loops, in a training that is resumed.

    With a limit of steps Lightning takes a checkpoint from the end of an epoch for one from within
    it. Then that epoch ends once more, without a batch, and the training has an epoch less.
    """

    def __init__(self) -> None:
        self._max_steps = _NO_LIMIT

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Lift the limit."""
        if stage == "fit":
            self._max_steps = trainer.max_steps
            trainer.fit_loop.epoch_loop.max_steps = _NO_LIMIT

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Set the limit again."""
        trainer.fit_loop.epoch_loop.max_steps = self._max_steps
