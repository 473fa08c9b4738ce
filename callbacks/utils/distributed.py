"""A decision that several processes must take alike, or they would wait for each other for ever."""

from lightning.pytorch import Trainer

ASKED_EVERY = 8  # steps: to ask is to wait for the slowest process, and on a GPU for the device


def any_says_so(trainer: Trainer, own: bool) -> bool:  # noqa: FBT001 (the answer itself)
    """Whether any of the processes says yes. All of them must ask."""
    return bool(trainer.strategy.reduce_boolean_decision(own, all=False))


def is_time_to_ask(trainer: Trainer) -> bool:
    """Whether the processes ask each other after this step; a single one always does."""
    return trainer.world_size == 1 or trainer.global_step % ASKED_EVERY == 0
