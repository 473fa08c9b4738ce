"""How far a training has come: where its loader must go on."""

from typing import Any

from lightning.pytorch import Trainer


def reached(trainer: Trainer) -> tuple[int, int]:
    """The epoch to train next, and how many of its batches have been seen.

    To be asked while the trainer makes its training loader: by then the progress of a checkpoint is
    restored, and nothing of the next epoch has begun.
    """
    loop = trainer.fit_loop
    epochs: Any = loop.epoch_progress.current
    batches: Any = loop.epoch_loop.batch_progress.current
    unfinished = epochs.started > epochs.processed
    # Not `completed`: it is one behind in a checkpoint that a callback makes at a batch's end.
    return epochs.processed, batches.processed if unfinished else 0
