"""Widths, and MONAI's networks made faster. Imports torch alone, as MONAI's users do."""

from itertools import pairwise
from typing import Any

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def widths_from(top: int) -> list[int]:
    """The widths of five levels, each twice the one above."""
    return [top * 2**level for level in range(5)]


def fuse_batch_norm(network: nn.Module) -> None:
    """Fuse each batch normalisation into the convolution before it, by MONAI's module names."""
    from monai.networks.blocks.convolutions import Convolution

    for block in list(network.modules()):
        if isinstance(block, Convolution):
            _fuse_pair(block, getattr(block, "adn", block), "N")
        elif isinstance(block, nn.Sequential):
            for (_, first), (name, _) in pairwise(block.named_children()):
                if isinstance(first, Convolution):
                    _fuse_pair(first, block, name)


def _fuse_pair(convolution: nn.Module, parent: nn.Module, name: str) -> None:
    """Fuse the child ``name`` of ``parent`` if it is a batch normalisation."""
    norm = getattr(parent, name, None)
    if isinstance(norm, nn.BatchNorm2d):
        conv: Any = convolution.conv
        transposed = isinstance(conv, nn.ConvTranspose2d)
        convolution.conv = fuse_conv_bn_eval(conv, norm, transpose=transposed)
        setattr(parent, name, nn.Identity())
