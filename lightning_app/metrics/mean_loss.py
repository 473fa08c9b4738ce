"""The mean loss of an epoch, batch by batch."""

import torch
from torch import Tensor
from torchmetrics import Metric


class MeanLoss(Metric):
    """The mean over all samples, kept on the device: no step waits for a number.

    Not torchmetrics' MeanMetric: its check for NaN reads every value, so the host waits for the
    device; without that check torchmetrics 1.9 ignores the weights. The states have the names of
    MeanMetric's, because checkpoints hold them.
    """

    full_state_update = False
    mean_value: Tensor
    weight: Tensor

    def __init__(self) -> None:
        super().__init__()
        # A resumed training on several devices adds in another order.
        dtype = torch.float32 if torch.backends.mps.is_available() else torch.float64
        for name in ("mean_value", "weight"):
            default = torch.tensor(0.0, dtype=dtype)
            self.add_state(name, default=default, dist_reduce_fx="sum")

    def update(self, loss: Tensor, samples: int) -> None:
        """Add the mean loss, a scalar, of a number of samples."""
        self.mean_value += loss.detach() * samples
        self.weight += samples

    def compute(self) -> Tensor:
        """The mean, float32; NaN if nothing was added."""
        return (self.mean_value / self.weight).float()
