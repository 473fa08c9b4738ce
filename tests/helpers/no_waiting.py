"""Finds operations that make the host wait for a GPU, on a CPU too."""

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch.utils._python_dispatch import TorchDispatchMode

# To read a number (item, bool, float), to send one (torch.tensor), and to find out a size.
WAITING = {
    torch.ops.aten._local_scalar_dense.default,
    torch.ops.aten.lift_fresh.default,
    torch.ops.aten.nonzero.default,
    torch.ops.aten.masked_select.default,
}
Result = TypeVar("Result")


class NoWaiting(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __torch_dispatch__(
        self,
        func: Callable[..., Result],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Result:
        assert func not in WAITING, func
        return func(*args, **(kwargs or {}))
