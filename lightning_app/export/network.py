"""The networks of a model: joined, with probabilities as output, and one by one."""

import torch
from torch import Tensor, nn

from lightning_app.export.runtimes.decoding import Runner
from models import Ensemble, Mirrored

_SMALLEST = 1e-6  # probability: the logit of 0 is infinite


class OfRunner(nn.Module):
    """A network that gives the logits of what a runtime gives, so that it can be validated.

    Args:
        run: maps images (N, modalities, H, W) to probabilities (N, channels, H, W).
        exclusive: as of ``WithProbabilities``.
    """

    def __init__(self, run: Runner, *, exclusive: bool) -> None:
        super().__init__()
        self.run = run
        self.exclusive = exclusive

    def forward(self, image: Tensor) -> Tensor:
        """Logits (N, channels, H, W) of images (N, modalities, H, W)."""
        probabilities = torch.from_numpy(self.run(image.numpy()))
        return probabilities.log() if self.exclusive else probabilities.logit(_SMALLEST)


class WithProbabilities(nn.Module):
    """A network with the probabilities of its channels as output.

    Args:
        network: maps images (N, modalities, H, W) to logits (N, channels, H, W).
        exclusive: whether the channels exclude one another (softmax); otherwise each has a
            probability of its own (sigmoid).
    """

    def __init__(self, network: nn.Module, *, exclusive: bool) -> None:
        super().__init__()
        self.network = network
        self.exclusive = exclusive

    def forward(self, image: Tensor) -> Tensor:
        """Probabilities (N, channels, H, W) of images (N, modalities, H, W)."""
        return channel_probabilities(self.network(image), exclusive=self.exclusive)


def channel_probabilities(logits: Tensor, *, exclusive: bool) -> Tensor:
    """Probabilities of the channels of logits, with that of the background if there is one."""
    return logits.softmax(dim=1) if exclusive else logits.sigmoid()


def members(network: nn.Module) -> nn.ModuleList:
    """The networks of the runs that were joined."""
    joined = network.networks if isinstance(network, Ensemble) else [network]
    return nn.ModuleList(
        member.network if isinstance(member, Mirrored) else member for member in joined
    )
