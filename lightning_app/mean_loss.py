"""The mean loss of an epoch, while its batches go by."""

import torch
from torch import Tensor
from torchmetrics import Metric


class MeanLoss(Metric):
    """The mean over all samples, kept on the device: no step waits for a number.

    Not torchmetrics' MeanMetric: with its check for NaN, which looks at every value, it makes the
    host wait, and without that check its version 1.9 forgets the weights. The names of the states
    are its own, as checkpoints have them.
    """

    full_state_update = False
    mean_value: Tensor
    weight: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("mean_value", default=torch.tensor(0.0), dist_reduce_fx="sum")
        self.add_state("weight", default=torch.tensor(0.0), dist_reduce_fx="sum")

    def update(self, loss: Tensor, samples: int) -> None:
        """Add the mean loss, a scalar, of some samples."""
        self.mean_value += loss.detach() * samples
        self.weight += samples

    def compute(self) -> Tensor:
        """The mean; NaN where nothing was added."""
        return self.mean_value / self.weight
