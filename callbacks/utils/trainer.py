"""What Trainer does not offer itself: typed access to some of its attributes, and the epoch."""

from typing import Any, Protocol, cast

from lightning.pytorch import Callback, Trainer
from lightning.pytorch.profilers import Profiler


class TrainerAttributes(Protocol):
    """Attributes of a Trainer that its class does not declare."""

    callbacks: list[Callback]
    fast_dev_run: int | bool
    profiler: Profiler
    datamodule: Any
    test_dataloaders: Any


def attributes(trainer: Trainer) -> TrainerAttributes:
    """Return the trainer itself, with the type that declares these attributes."""
    return cast("TrainerAttributes", trainer)


def epoch_of_epochs(trainer: Trainer) -> str:
    """The current epoch and their number, such as 3/12, counted from 1."""
    epochs = trainer.max_epochs
    of = f"/{epochs}" if epochs is not None and epochs > 0 else ""
    return f"{trainer.current_epoch + 1}{of}"
