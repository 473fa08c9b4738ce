"""Whether two runs ended alike, to the bit."""

from collections.abc import Iterator
from typing import Any

import torch

from lightning_app.runs.checkpoint_io import read_checkpoint
from lightning_app.runs.folder import Run
from lightning_app.runs.status import is_finished

PARTS = ("epoch", "global_step", "state_dict", "optimizer_states", "lr_schedulers", "random_states")


def differences(run: Run, other: Run) -> list[str]:
    """What differs between two runs: of both checkpoints the parts that training needs, the CSV.

    Also what a run that has ended should not have: unfinished files, another status.
    """
    found = []
    for own, its in ((run.last, other.last), (run.best, other.best)):
        here, there = read_checkpoint(own), read_checkpoint(its)
        found += [f"{own.name}: {part}" for part in PARTS if not same(here[part], there[part])]
    if run.metrics.read_bytes() != other.metrics.read_bytes():
        found.append(run.metrics.name)
    if not is_finished(run):
        found.append("status")
    return found + [f"{path.name} is left" for path in sorted(run.path.rglob("*.part*"))]


def same(one: Any, other: Any) -> bool:
    """Whether two nested values have the same keys, numbers and tensors, to the bit."""
    ours, theirs = list(_leaves(one)), list(_leaves(other))
    return len(ours) == len(theirs) and all(map(_same_leaf, ours, theirs))


def _same_leaf(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(_bytes(one), _bytes(other))
    return type(one) is type(other) and bool(one == other)


def _bytes(tensor: torch.Tensor) -> torch.Tensor:
    """The bytes of a tensor along a last axis: as numbers, 0 and -0 would be equal."""
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
