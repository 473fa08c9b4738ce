"""Stop a training whose loss is no number any more, before a checkpoint of it is kept."""

from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor


class NonFiniteLossError(RuntimeError):
    """A loss, or a weight, became NaN or infinite.

    Args:
        step: optimiser steps taken by then, that of the batch among them.
        epoch: of the batch, from 0.
        batch: index of the batch in its epoch; None where a weight was bad and no loss had been.
    """

    def __init__(self, step: int, epoch: int, batch: int | None) -> None:
        self.step = step
        self.epoch = epoch
        self.batch = batch
        where = "a weight" if batch is None else f"the loss of batch {batch}"
        super().__init__(f"{where} is not finite any more (step {step}, epoch {epoch})")


class FiniteLoss(Callback):
    """Watch the loss of every batch on the device, and look at the outcome now and then.

    To look at a number on a GPU is to wait for it. So the loss of each batch is compared on the
    device, and the first bad batch noted there; the host looks every ``look_every`` batches, at the
    end of an epoch, and whenever a checkpoint is about to be saved, which is then not saved.

    Args:
        look_every: Batches between two looks.
    """

    def __init__(self, look_every: int = 50) -> None:
        if look_every < 1:
            raise ValueError(f"look_every is {look_every}, expected 1 or more")
        self.look_every = look_every
        self._first_bad: Tensor | None = None  # index in _batches, or a large number
        self._batches: list[tuple[int, int, int]] = []

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: object,
        batch_idx: int,
    ) -> None:
        """Note on the device whether this batch is the first bad one."""
        loss = outputs["loss"] if isinstance(outputs, dict) else outputs
        if not isinstance(loss, Tensor):
            return
        place = len(self._batches)
        self._batches.append((trainer.global_step, trainer.current_epoch, batch_idx))
        bad = torch.where(loss.detach().isfinite(), _NEVER, place)
        self._first_bad = bad if self._first_bad is None else torch.minimum(self._first_bad, bad)
        if len(self._batches) >= self.look_every:
            self._look()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Look."""
        self._look()

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Look, at the weights too: a finite loss may have had gradients that are not."""
        self._look()
        weights = [w for w in checkpoint["state_dict"].values() if w.is_floating_point()]
        if not all(torch.stack([weight.isfinite().all() for weight in weights]).tolist()):
            raise NonFiniteLossError(trainer.global_step, trainer.current_epoch, None)

    def _look(self) -> None:
        """Raise where a batch was bad; forget the good ones."""
        batches, first = self._batches, self._first_bad
        self._batches, self._first_bad = [], None
        if first is not None and (place := int(first)) < len(batches):
            raise NonFiniteLossError(*batches[place])


_NEVER = torch.iinfo(torch.int64).max
