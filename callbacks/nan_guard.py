"""Stop a training whose loss is not finite, before a checkpoint of it is saved."""

from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

_NONE_BAD = torch.iinfo(torch.int64).max


class NonFiniteLossError(RuntimeError):
    """A loss, or a weight, became NaN or infinite.

    Args:
        step: number of optimiser steps, including that of the batch.
        epoch: epoch of the batch, from 0.
        batch: index of the batch in its epoch; None if a weight is not finite but no loss was.
    """

    def __init__(self, step: int, epoch: int, batch: int | None) -> None:
        self.step = step
        self.epoch = epoch
        self.batch = batch
        value = "a weight" if batch is None else f"the loss of batch {batch}"
        super().__init__(f"{value} is no longer finite (step {step}, epoch {epoch + 1})")


class FiniteLoss(Callback):
    """Check the loss of every batch on the device, and read the result from time to time.

    Reading a number from a GPU waits for the GPU. So the loss of each batch is checked on the
    device, which records the first bad batch. The host reads it every ``look_every`` batches, at
    the end of an epoch, and before a checkpoint is saved, which prevents that checkpoint.

    Args:
        look_every: Number of batches between two readings.
    """

    def __init__(self, look_every: int = 50) -> None:
        if look_every < 1:
            raise ValueError(f"look_every is {look_every}, expected 1 or more")
        self.look_every = look_every
        self._first_bad: Tensor | None = None  # index in _batches, or _NONE_BAD
        self._batches: list[tuple[int, int, int]] = []

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: object,
        batch_idx: int,
    ) -> None:
        """Record on the device whether this is the first batch with a bad loss."""
        loss = outputs["loss"] if isinstance(outputs, dict) else outputs
        if not isinstance(loss, Tensor):
            return
        index = len(self._batches)
        self._batches.append((trainer.global_step, trainer.current_epoch, batch_idx))
        bad = torch.where(loss.detach().isfinite(), _NONE_BAD, index)
        self._first_bad = bad if self._first_bad is None else torch.minimum(self._first_bad, bad)
        if len(self._batches) >= self.look_every:
            self._check()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Check the losses."""
        self._check()

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Check the losses, and the weights: a finite loss can have infinite gradients."""
        self._check()
        weights = [w for w in checkpoint["state_dict"].values() if w.is_floating_point()]
        if not all(torch.stack([weight.isfinite().all() for weight in weights]).tolist()):
            raise NonFiniteLossError(trainer.global_step, trainer.current_epoch, None)

    def _check(self) -> None:
        """Raise NonFiniteLossError if a batch since the last check had a bad loss."""
        batches, first = self._batches, self._first_bad
        self._batches, self._first_bad = [], None
        if first is not None and (index := int(first)) < len(batches):
            raise NonFiniteLossError(*batches[index])
