"""Several predictions joined into one: of several networks, or of mirrored images.

Their output is the logit of the mean probability, so that thresholds, losses and exports take it
like the logits of a single network.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

_MIRRORED = ((), (-1,), (-2,), (-2, -1))  # axes that are flipped


class Ensemble(nn.Module):
    """The mean probability of several networks.

    Args:
        networks: Each maps images (N, modalities, H, W) to logits of the same shape.
        exclusive: Whether the channels of the logits exclude one another (softmax); otherwise each
            has a probability of its own (sigmoid).

    Raises:
        ValueError: There is no network.
    """

    def __init__(self, networks: Sequence[nn.Module], *, exclusive: bool = False) -> None:
        super().__init__()
        if not networks:
            raise ValueError("an ensemble of no network")
        self.networks = nn.ModuleList(networks)
        self.exclusive = exclusive

    def forward(self, image: Tensor) -> Tensor:
        """Logits (N, channels, H, W) of the mean probability, in float32."""
        logits = torch.stack([network(image).float() for network in self.networks])
        return mean_logit(logits, exclusive=self.exclusive)


class Mirrored(nn.Module):
    """The mean probability of a network on an image and its three mirror images.

    Args:
        network: Maps images (N, modalities, H, W) to logits (N, channels, H, W).
        exclusive: As for ``Ensemble``.
    """

    def __init__(self, network: nn.Module, *, exclusive: bool = False) -> None:
        super().__init__()
        self.network = network
        self.exclusive = exclusive

    def forward(self, image: Tensor) -> Tensor:
        """Logits (N, channels, H, W) of the mean probability, in float32."""
        logits = [self.network(image.flip(axes)).float().flip(axes) for axes in _MIRRORED]
        return mean_logit(torch.stack(logits), exclusive=self.exclusive)


def mean_logit(logits: Tensor, *, exclusive: bool) -> Tensor:
    """The logits of the mean probability over the first axis; finite for finite logits.

    With exclusive channels they are log-probabilities, which a softmax leaves as they are.
    """
    number = math.log(len(logits))
    if exclusive:
        return torch.logsumexp(functional.log_softmax(logits, dim=2), dim=0) - number
    present, absent = (
        torch.logsumexp(functional.logsigmoid(signed), dim=0) for signed in (logits, -logits)
    )
    return present - absent
