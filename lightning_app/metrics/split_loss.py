"""The loss of a whole split, which depends neither on the batch size nor on the devices."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor
from torchmetrics import Metric


@runtime_checkable
class PooledLoss(Protocol):
    """A loss that is no mean over slices, but can be computed from sums over batches."""

    def sums(self, logits: Tensor, target: Tensor) -> Tensor:
        """What the loss needs of a batch, (sums,), of logits and masks (N, channels, H, W)."""

    def of_sums(self, sums: Tensor) -> Tensor:
        """The loss, a scalar, of all batches whose sums were added."""


class MeanOverSlices:
    """Any other loss: the mean over slices of the losses of batches.

    Args:
        loss: maps logits and masks to the mean loss of a batch.
    """

    def __init__(self, loss: Callable[[Tensor, Tensor], Tensor]) -> None:
        self.loss = loss

    def sums(self, logits: Tensor, target: Tensor) -> Tensor:
        """The loss summed over the slices of a batch, and their number."""
        mean, slices = self.loss(logits, target), len(logits)
        return torch.stack([mean * slices, mean.new_full((), slices)])

    def of_sums(self, sums: Tensor) -> Tensor:
        """The mean over all slices."""
        return sums[0] / sums[1]


def pooled(loss: Callable[[Tensor, Tensor], Tensor]) -> PooledLoss:
    """The loss itself if it can be computed from sums, else its mean over slices."""
    return loss if isinstance(loss, PooledLoss) else MeanOverSlices(loss)


class LossSums(Metric):
    """The sums of all batches, kept on the device: no step waits for a number."""

    full_state_update = False
    total: Tensor

    def __init__(self) -> None:
        super().__init__()
        dtype = torch.float32 if torch.backends.mps.is_available() else torch.float64
        self.add_state("total", default=torch.tensor(0.0, dtype=dtype), dist_reduce_fx="sum")

    def update(self, sums: Tensor) -> None:
        """Add the sums of a batch, (sums,)."""
        self.total = self.total + sums.detach().to(self.total.dtype)

    def compute(self) -> Tensor:
        """The sums of all batches, (sums,)."""
        return self.total
