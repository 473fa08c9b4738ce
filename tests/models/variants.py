"""The five networks, for tests that run on each."""

from collections.abc import Sequence
from typing import Protocol

import pytest
import torch

from models import (
    AttentionUNet,
    AttentionUNetASPP,
    AttentionUNetASPPv2,
    AttentionUNetSPP,
    UNet,
    UNetFrame,
)

SMALL = (8, 8, 12, 16, 20)


class Variant(Protocol):
    def __call__(
        self, in_channels: int = 1, out_channels: int = 1, widths: Sequence[int] = ...
    ) -> UNetFrame: ...


ALL: tuple[Variant, ...] = (
    UNet,
    AttentionUNet,
    AttentionUNetSPP,
    AttentionUNetASPP,
    AttentionUNetASPPv2,
)
GATED = ALL[1:]
PYRAMIDS = ALL[2:]

each_network = pytest.mark.parametrize("network", ALL)


def seeded(network: Variant, widths: Sequence[int] = SMALL) -> UNetFrame:
    torch.manual_seed(7)
    return network(widths=widths)
