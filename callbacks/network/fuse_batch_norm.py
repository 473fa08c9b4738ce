"""Batch normalisation fused into the convolution before it, for inference."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import NamedTuple

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

Conv = nn.Conv1d | nn.Conv2d | nn.Conv3d
BatchNorm = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d | nn.SyncBatchNorm


class _Pair(NamedTuple):
    """A convolution and the batch normalisation after it, with their names in their parent."""

    parent: nn.Sequential
    conv_name: str
    conv: Conv
    norm_name: str
    norm: BatchNorm


@contextmanager
def fused(network: nn.Module) -> Iterator[None]:
    """Run a network in evaluation mode without its batch normalisations, with the same results.

    A batch normalisation is only fused if it follows a convolution in an nn.Sequential, which
    guarantees that one is called after the other. Afterwards the network has its own modules again;
    its weights are never changed.
    """
    pairs = _pairs(network)
    try:
        for parent, conv_name, conv, norm_name, norm in pairs:
            setattr(parent, conv_name, fuse_conv_bn_eval(conv, norm))
            setattr(parent, norm_name, nn.Identity())
        yield
    finally:
        for parent, conv_name, conv, norm_name, norm in pairs:
            setattr(parent, conv_name, conv)
            setattr(parent, norm_name, norm)


def _pairs(network: nn.Module) -> list[_Pair]:
    """All pairs that can be fused; modules that are used more than once cannot."""
    uses = Counter(id(module) for _, module in network.named_modules(remove_duplicate=False))
    return [
        _Pair(parent, conv_name, conv, norm_name, norm)
        for parent in network.modules()
        if isinstance(parent, nn.Sequential) and type(parent).forward is nn.Sequential.forward
        for (conv_name, conv), (norm_name, norm) in pairwise(parent.named_children())
        if isinstance(conv, Conv) and isinstance(norm, BatchNorm)
        if norm.running_mean is not None and not norm.training
        if uses[id(conv)] == uses[id(norm)] == 1
    ]
