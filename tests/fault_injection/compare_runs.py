"""Compare two runs bit by bit."""

from collections.abc import Iterator
from typing import Any

import torch

from lightning_app.runs.checkpoint_io import read_checkpoint
from lightning_app.runs.folder import Run
from lightning_app.runs.status import is_finished

PARTS = ("epoch", "global_step", "state_dict", "optimizer_states", "lr_schedulers", "random_states")


def differences(run: Run, other: Run) -> list[str]:
    """Names of what differs between two runs, and of what a finished run should not have.

    Compared are the metrics and those parts of both checkpoints that training needs. A finished run
    should have no unfinished files and no other status.
    """
    names = []
    for path, other_path in ((run.last, other.last), (run.best, other.best)):
        checkpoint, other_checkpoint = read_checkpoint(path), read_checkpoint(other_path)
        names += [
            f"{path.name}: {part}"
            for part in PARTS
            if not same(checkpoint.get(part), other_checkpoint.get(part))
        ]
    if run.metrics.read_bytes() != other.metrics.read_bytes():
        names.append(run.metrics.name)
    if not is_finished(run):
        names.append("status")
    return names + [f"{path.name} is left" for path in sorted(run.path.rglob("*.part*"))]


def same(first: Any, second: Any) -> bool:
    """Whether two nested values have the same keys, numbers and tensors, bit by bit."""
    first_leaves, second_leaves = list(_leaves(first)), list(_leaves(second))
    return len(first_leaves) == len(second_leaves) and all(
        map(_same_leaf, first_leaves, second_leaves)
    )


def _same_leaf(first: Any, second: Any) -> bool:
    if isinstance(first, torch.Tensor) and isinstance(second, torch.Tensor):
        return first.dtype == second.dtype and torch.equal(_bytes(first), _bytes(second))
    return type(first) is type(second) and bool(first == second)


def _bytes(tensor: torch.Tensor) -> torch.Tensor:
    """The bytes of a tensor along a new last axis: as numbers, 0 and -0 would be equal."""
    return tensor.contiguous().unsqueeze(-1).view(torch.uint8)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for key in value:
            yield key
            yield from _leaves(value[key])
    elif isinstance(value, list | tuple):
        for member in value:
            yield from _leaves(member)
    else:
        yield value
