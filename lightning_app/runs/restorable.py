"""Whether a training can be resumed from a checkpoint, found out before anything is written."""

import copy
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import WeightAveraging
from lightning.pytorch.strategies import DDPStrategy, SingleDeviceStrategy
from lightning.pytorch.utilities.migration.utils import migrate_checkpoint
from torch.optim import LBFGS, Optimizer

from callbacks.rng_state import RandomStates
from callbacks.timing.timing import Timing
from lightning_app.runs.weights import check_weights
from lightning_app.task import SegmentationTask
from lightning_app.utils.errors import UsageError

LARGEST_COUNT = 10**12  # steps; more than anybody trains
_TRACKERS = (  # without these Lightning would start again from epoch 0
    "epoch_progress",
    "epoch_loop.batch_progress",
    "epoch_loop.automatic_optimization.optim_progress",
)

_TRAINED_BESIDE_AVERAGE = "current_model_state"  # where WeightAveraging saves them

_NEEDS_GPU = ("capturable", "fused")  # options of optimizers; the rehearsal is on the CPU


def check_restorable(
    checkpoint: dict[str, Any], trainer: Trainer, task: SegmentationTask, path: Path
) -> None:
    """Check all that a trainer restores when it resumes; Lightning itself checks little of it.

    Args:
        checkpoint: as read; may be changed.
        trainer: is to resume, and has not run yet.
        task: is to be trained.
        path: of the checkpoint, for messages.

    Raises:
        UsageError: a part of the checkpoint is missing or damaged, or the trainer has no callback
            for its averaged weights.
    """
    check_weights(checkpoint, task, path)
    _check_average(checkpoint, trainer, path)
    task.trainer = trainer  # configure_optimizers asks it
    with _part("version of Lightning", path):
        migrate_checkpoint(checkpoint)
    with _part("count of epochs and steps", path):
        _check_progress(checkpoint, trainer)
    with _part("state of the optimizer", path):
        (state,) = checkpoint["optimizer_states"]
        if isinstance(trainer.strategy, SingleDeviceStrategy | DDPStrategy):  # others shard it
            optimizer, _ = _configured(task)
            _rehearse_step(optimizer, state)
    with _part("state of the schedule", path):
        _check_schedule(checkpoint["lr_schedulers"], task)
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        with _part(f"state of {type(callback).__name__}", path):
            if state := checkpoint["callbacks"].get(callback.state_key):
                _load_quietly(callback, state)
            if isinstance(callback, RandomStates | Timing):
                callback.on_load_checkpoint(trainer, task, checkpoint)


def _check_average(checkpoint: dict[str, Any], trainer: Trainer, path: Path) -> None:
    """Refuse to train averaged weights, which Lightning would load without the callback."""
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    averages = any(isinstance(callback, WeightAveraging) for callback in callbacks)
    if _TRAINED_BESIDE_AVERAGE in checkpoint and not averages:
        raise UsageError(
            f"checkpoint '{path}' has averaged weights beside those that are trained, and "
            "trainer.callbacks has no callback that averages: leave out what changes "
            f"trainer.callbacks; for a new run from the averaged weights use --weights {path}"
        )


@contextmanager
def _part(name: str, path: Path) -> Iterator[None]:
    """Turn whatever a damaged part of a checkpoint raises into a UsageError."""
    try:
        yield
    except Exception as error:  # of Lightning and torch, which expect no damage
        reason = " ".join(str(error).split())
        if isinstance(error, KeyError):
            reason = f"{reason} is missing"
        raise UsageError(
            f"checkpoint '{path}' cannot be resumed from: its {name} is damaged ({reason}); for a "
            f"new run from its weights use --weights {path}"
        ) from error


def _check_progress(checkpoint: dict[str, Any], trainer: Trainer) -> None:
    """Check that all counts are there, and agree with those that are shown to the user."""
    saved, fresh = checkpoint["loops"]["fit_loop"], trainer.fit_loop.state_dict()
    for name, state in fresh.items():
        if name in saved or name in _TRACKERS:
            _check_counts(saved[name], state, name)
    epochs, _, steps = (saved[name] for name in _TRACKERS)
    counted = {
        "epoch": epochs["current"]["completed"],
        "global_step": steps["optimizer"]["step"]["total"]["completed"],
    }
    for name, count in counted.items():
        if checkpoint[name] != count:
            raise ValueError(f"{name} is {checkpoint[name]!r}, but {count} were completed")


def _check_counts(saved: Any, fresh: Any, name: str) -> None:
    if isinstance(fresh, dict):
        for key, value in fresh.items():
            _check_counts(saved[key], value, f"{name}.{key}")
    elif type(saved) is not type(fresh) or not 0 <= saved <= LARGEST_COUNT:
        raise ValueError(f"{name} is {saved!r}, expected 0 to {LARGEST_COUNT}")


def _load_quietly(callback: Callback, state: dict[str, Any]) -> None:
    """Load a state without the warnings of a callback that has no folder yet."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        callback.load_state_dict(copy.deepcopy(state))


def _configured(task: SegmentationTask) -> tuple[Optimizer, Any]:
    """The optimizer, and the schedule or None, from the two forms that our CLI returns."""
    configured: Any = task.configure_optimizers()
    if isinstance(configured, Optimizer):
        return configured, None
    return configured["optimizer"], configured["lr_scheduler"]["scheduler"]


def _rehearse_step(optimizer: Optimizer, state: dict[str, Any]) -> None:
    """Load a state, and make a step with gradients of zero, on copies: torch checks no shapes."""
    rehearsed = copy.deepcopy(optimizer)
    rehearsed.load_state_dict(state)
    if not _survives_copying(optimizer):
        return
    for group in rehearsed.param_groups:
        group |= {name: False for name in _NEEDS_GPU if name in group}
    parameters = [p for group in rehearsed.param_groups for p in group["params"]]
    for parameter in parameters:
        parameter.grad = torch.zeros_like(parameter)
    rehearsed.step(lambda: 0.0)
    if not all(parameter.isfinite().all() for parameter in parameters):
        raise ValueError("a step with it makes weights that are NaN or infinite")


def _survives_copying(optimizer: Optimizer) -> bool:
    """Whether a copy can make a step: a copy lacks the attributes of subclasses."""
    return type(optimizer).__module__.startswith("torch.optim.") and type(optimizer) is not LBFGS


def _check_schedule(saved: list[dict[str, Any]], task: SegmentationTask) -> None:
    _, schedule = _configured(task)
    expected = [] if schedule is None else [schedule.state_dict()]
    if len(saved) != len(expected):
        raise ValueError(f"it holds {len(saved)}, expected {len(expected)}")
    for state, fresh in zip(saved, expected, strict=True):
        _ = state["last_epoch"]
        _check_alike(state, fresh, "it")


def _check_alike(saved: Any, fresh: Any, name: str) -> None:
    """Compare the types of values with those of a new schedule; others may have come with torch."""
    if isinstance(fresh, dict):
        for key in saved.keys() & fresh.keys():
            _check_alike(saved[key], fresh[key], key)
    elif isinstance(fresh, list):
        for value, other in zip(saved, fresh, strict=True):
            _check_alike(value, other, name)
    elif isinstance(fresh, int | float) and (
        not isinstance(saved, int | float) or math.isnan(saved)
    ):
        raise ValueError(f"{name} is {saved!r}, expected a number")
