"""Attention maps of any network with attention gates."""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn


def find_gates(network: nn.Module) -> dict[str, nn.Module]:
    """Modules, by name, whose method ``attention`` maps their inputs to attention weights."""
    return {
        name: module
        for name, module in network.named_modules()
        if inspect.ismethod(getattr(module, "attention", None))
    }


@contextmanager
def attention_maps(network: nn.Module) -> Iterator[dict[str, Tensor]]:
    """Yield a dict that a forward pass fills: from gate name to weights (N, 1, H, W) in 0..1."""
    maps: dict[str, Tensor] = {}

    def recorder(name: str) -> Any:
        def hook(gate: Any, inputs: tuple[Tensor, ...], _output: object) -> None:
            maps[name] = gate.attention(*inputs)

        return hook

    gates = find_gates(network)
    hooks = [gate.register_forward_hook(recorder(name)) for name, gate in gates.items()]
    try:
        yield maps
    finally:
        for hook in hooks:
            hook.remove()
