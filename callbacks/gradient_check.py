"""Stop a training that cannot learn: none of its first steps has a gradient."""

from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor
from torch.optim import Optimizer

from callbacks.utils.distributed import any_rank


class NoGradientError(RuntimeError):
    """The gradient of every weight was zero in all first steps.

    Args:
        steps: number of these optimizer steps.
    """

    def __init__(self, steps: int) -> None:
        super().__init__(f"every gradient of the first {steps} steps is zero")


class GradientCheck(Callback):
    """Look whether any of the first optimizer steps has a gradient that is not zero.

    The gradients are checked on the device; the host reads the result once, after the last of these
    steps or at the end of the first epoch. A resumed training is not checked.

    Args:
        steps: Number of optimizer steps.
    """

    def __init__(self, steps: int = 10) -> None:
        if steps < 1:
            raise ValueError(f"steps is {steps}, expected 1 or more")
        self.steps = steps
        self._found: list[Tensor] | None = None  # for each step; None once they have been read

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start if the training does."""
        self._found = [] if trainer.global_step == 0 else None

    def on_before_optimizer_step(
        self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer
    ) -> None:
        """Record on the device whether there is a gradient."""
        if self._found is None:
            return
        gradients = [p.grad for p in pl_module.parameters() if p.grad is not None]
        if gradients:
            self._found.append(torch.stack([gradient.any() for gradient in gradients]).any())

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: object,
        batch_idx: int,
    ) -> None:
        """Check after the last of the steps."""
        if self._found is not None and len(self._found) >= self.steps:
            self._check(trainer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Check the steps of an epoch that has fewer."""
        self._check(trainer)

    def _check(self, trainer: Trainer) -> None:
        """Raise NoGradientError unless a step had a gradient on some rank."""
        found, self._found = self._found, None
        if found and not any_rank(trainer, vote=bool(torch.stack(found).any())):
            raise NoGradientError(len(found))
