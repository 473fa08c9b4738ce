"""What Trainer does not offer itself: typed access to attributes, the epoch, the time left."""

from typing import Any, Protocol, cast

from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import Timer
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


def stops_here(trainer: Trainer) -> bool:
    """Whether the training ends after this batch, wherever in its epoch.

    As Lightning decides: ``max_steps`` is reached, or somebody has set ``should_stop``, as the
    Timer of ``max_time`` does, and the epochs and steps are enough.
    """
    if trainer.global_step == trainer.max_steps:
        return True
    epochs: Any = trainer.fit_loop.epoch_progress.current
    has_epochs = epochs.processed >= (trainer.min_epochs or 0)
    has_steps = trainer.global_step >= (trainer.min_steps or 0)
    return trainer.should_stop and has_epochs and has_steps


def batches_trained(trainer: Trainer) -> int:
    """The training batches up to now, with those before the training was resumed."""
    return trainer.fit_loop.epoch_loop.batch_progress.total.completed


def seconds_left(trainer: Trainer, per_batch: float) -> float | None:
    """How long the training goes on if nothing ends it early; None if nothing limits it.

    Args:
        trainer: in a training epoch.
        per_batch: seconds that a batch takes.
    """
    limits = [
        timer.time_remaining()
        for timer in attributes(trainer).callbacks
        if isinstance(timer, Timer)
    ]
    if trainer.max_epochs is not None and trainer.max_epochs > 0:
        epochs = trainer.max_epochs - trainer.current_epoch
        in_this_one = trainer.fit_loop.epoch_loop.batch_progress.current.completed
        limits.append((epochs * trainer.num_training_batches - in_this_one) * per_batch)
    if trainer.max_steps > 0:
        steps = trainer.max_steps - trainer.global_step
        limits.append(steps * trainer.accumulate_grad_batches * per_batch)
    known = [seconds for seconds in limits if seconds is not None]
    return max(0.0, min(known)) if known else None
