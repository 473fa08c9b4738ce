"""Communication between ranks. All ranks must call these functions, or they wait for ever."""

from typing import TypeVar

import torch
from lightning.pytorch import Trainer

T = TypeVar("T")

# Optimiser steps between two votes: a vote waits for the slowest rank, and on a GPU for the device.
STEPS_BETWEEN_VOTES = 8


def gather(value: T, trainer: Trainer) -> list[T]:
    """Return the values of all ranks, in their order."""
    values = [value] * trainer.world_size
    if trainer.world_size > 1:
        torch.distributed.all_gather_object(values, value)
    return values


def any_rank(trainer: Trainer, *, vote: bool) -> bool:
    """Whether any rank votes yes."""
    return bool(trainer.strategy.reduce_boolean_decision(vote, all=False))


def is_time_to_vote(trainer: Trainer) -> bool:
    """Whether the ranks vote after this step; a single rank does so after every step."""
    return trainer.world_size == 1 or trainer.global_step % STEPS_BETWEEN_VOTES == 0
