"""A compiled network with one graph for training and one for validation."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from callbacks.utils.private_api import call_replaced, plain_call


class CompiledCall:
    """Call a network compiled for batches of the usual size, and as it is for all others.

    The last batch of an epoch mostly has another size. Compiled for fixed shapes it would cost a
    graph of its own, minutes for a large network; with dynamic shapes all batches after it would
    run in a slower graph. Usual is the size of most batches so far, of several the largest.

    Args:
        network: its first argument is a batch of images (N, ...).
        mode: of ``torch.compile``.
    """

    def __init__(self, network: nn.Module, mode: str | None) -> None:
        self._network = network
        self._plain = plain_call(network)
        self._compiled = torch.compile(self._plain, mode=mode, dynamic=False)
        self._sizes = {True: Counter[torch.Size](), False: Counter[torch.Size]()}  # by training

    def __call__(self, image: Tensor, *others: Any, **options: Any) -> Any:
        """The network's output."""
        sizes = self._sizes[self._network.training]
        sizes[image.shape] += 1
        usual = max(sizes, key=lambda size: (sizes[size], size))
        call = self._compiled if image.shape == usual else self._plain
        return call(image, *others, **options)


@contextmanager
def compiled(network: nn.Module, mode: str | None) -> Iterator[None]:
    """Compile a network in place, and undo it at the end. Its weights keep their names."""
    with call_replaced(network, CompiledCall(network, mode)):
        yield


@contextmanager
def uncompiled(module: nn.Module) -> Iterator[None]:
    """Call a module and all its parts as they are: compiled graphs know no hooks added since."""
    with ExitStack() as changes:
        for part in module.modules():
            changes.enter_context(call_replaced(part, None))
        yield
