"""Batch normalisation folded into the convolutions before it, while the weights stand still."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd
from torch.nn.utils.fusion import fuse_conv_bn_eval


@contextmanager
def fused(network: nn.Module) -> Iterator[None]:
    """Let a network in evaluation mode run without its batch normalisations, with equal results.

    Only where a convolution and a batch normalisation are neighbours in an nn.Sequential, which
    alone says that one is called after the other; the rest is left as it is. The network's own
    modules are back in their places afterwards, and its weights are never touched.
    """
    before: list[tuple[nn.Sequential, str, nn.Module]] = []
    try:
        for parent, conv_name, norm_name in _pairs(network):
            conv, norm = parent.get_submodule(conv_name), parent.get_submodule(norm_name)
            before += [(parent, conv_name, conv), (parent, norm_name, norm)]
            assert isinstance(conv, _ConvNd)
            assert isinstance(norm, _BatchNorm)
            setattr(parent, conv_name, fuse_conv_bn_eval(conv, norm))
            setattr(parent, norm_name, nn.Identity())
        yield
    finally:
        for parent, name, module in before:
            setattr(parent, name, module)


def _pairs(network: nn.Module) -> list[tuple[nn.Sequential, str, str]]:
    """Where a convolution is followed by its normalisation: their parent and their names in it."""
    uses = Counter(id(module) for _, module in network.named_modules(remove_duplicate=False))
    return [
        (parent, one, two)
        for parent in network.modules()
        if isinstance(parent, nn.Sequential) and type(parent).forward is nn.Sequential.forward
        for (one, conv), (two, norm) in pairwise(parent.named_children())
        if isinstance(conv, _ConvNd) and not isinstance(conv, _ConvTransposeNd)
        if isinstance(norm, _BatchNorm) and norm.running_mean is not None
        if not norm.training and uses[id(conv)] == uses[id(norm)] == 1
    ]
