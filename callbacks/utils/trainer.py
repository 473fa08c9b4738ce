"""Typed access to attributes that Trainer sets outside its class, where mypy cannot see them."""

from typing import Any, Protocol, cast

from lightning.pytorch import Trainer
from lightning.pytorch.profilers import Profiler


class TrainerAttributes(Protocol):
    """Attributes of a Trainer that its class does not declare."""

    fast_dev_run: int | bool
    profiler: Profiler
    datamodule: Any
    test_dataloaders: Any


def attributes(trainer: Trainer) -> TrainerAttributes:
    """Return the trainer itself, with the type that declares these attributes."""
    return cast("TrainerAttributes", trainer)
