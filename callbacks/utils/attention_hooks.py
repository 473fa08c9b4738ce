"""Attention maps, from whatever network has gates."""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn


def find_gates(network: nn.Module) -> dict[str, nn.Module]:
    """Modules with a method ``attention`` that maps what they are called with to their weights."""
    return {
        name: module
        for name, module in network.named_modules()
        if inspect.ismethod(getattr(module, "attention", None))
    }


@contextmanager
def attention_maps(network: nn.Module) -> Iterator[dict[str, Tensor]]:
    """Give a dictionary that a forward pass fills: by gate, weights (N, 1, H, W) in 0..1."""
    maps: dict[str, Tensor] = {}

    def keep(name: str) -> Any:
        def hook(gate: Any, inputs: tuple[Tensor, ...], _output: object) -> None:
            maps[name] = gate.attention(*inputs)

        return hook

    gates = find_gates(network)
    hooks = [gate.register_forward_hook(keep(name)) for name, gate in gates.items()]
    try:
        yield maps
    finally:
        for hook in hooks:
            hook.remove()
