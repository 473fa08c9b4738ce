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
        # Several devices add in one order, and in another where a stopped training goes on.
        dtype = torch.float32 if torch.backends.mps.is_available() else torch.float64
        for name in ("mean_value", "weight"):
            default = torch.tensor(0.0, dtype=dtype)
            self.add_state(name, default=default, dist_reduce_fx="sum")

    def update(self, loss: Tensor, samples: int) -> None:
        """Add the mean loss, a scalar, of some samples."""
        self.mean_value += loss.detach() * samples
        self.weight += samples

    def compute(self) -> Tensor:
        """The mean, float32; NaN where nothing was added."""
        return (self.mean_value / self.weight).float()
