"""Stops a network whose weights the machine cannot hold, before they are allocated."""

import math
import os
from pathlib import Path
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

_CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")


class WeightLimit(TorchFunctionMode):
    """While entered, bound the sum of the tensors that layers make for their weights.

    Linux grants more memory than there is, and kills the process once it is used. So waiting for
    an error of the allocation is not enough.
    """

    def __init__(self) -> None:
        super().__init__()
        # The other half is for a second copy: the gradients, or the checkpoint that is read.
        self._limit = _memory() / 2
        self._total = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Add up the sizes of ``torch.empty``, with which torch's layers make their weights.

        Raises:
            MemoryError: the weights would fill half of the memory.
        """
        kwargs = kwargs or {}
        if func is torch.empty:
            size = args[0] if args and isinstance(args[0], tuple | list) else args
            dtype = kwargs.get("dtype") or torch.get_default_dtype()
            self._total += math.prod(kwargs.get("size", size)) * dtype.itemsize
            if self._total > self._limit:
                raise MemoryError(
                    f"its weights need more than {self._limit / 1e9:.0f} GB, half of the memory"
                )
        return func(*args, **kwargs)


def _memory() -> float:
    """Bytes of memory that this process may use; infinite on systems that do not say."""
    if not hasattr(os, "sysconf"):
        return math.inf
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        return min(machine, int(_CONTAINER_LIMIT.read_text("utf-8")))
    except (OSError, ValueError):  # no container, or "max"
        return machine
