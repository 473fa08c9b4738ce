"""A word about a training that will take very long on a CPU, long before its first epoch ends."""

import logging
import time
from collections.abc import Callable
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from callbacks.utils.trainer import batches_trained, seconds_left

_log = logging.getLogger(__name__)

MEASURED_S = 60.0  # long enough that a pause of the machine does not count for much
LONG_S = 3 * 3600.0


class SlowTraining(Callback):
    """Say how long a training on a CPU will take, once, if that is more than three hours.

    It is measured over at least a minute, without the first batch, which takes longer.

    Args:
        advice: What to do instead.
        clock: Returns seconds.
    """

    def __init__(self, advice: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._advice = advice
        self._clock = clock
        self._first_batch = 0
        self._started: float | None = None
        self._is_done = False

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Measure on a CPU only."""
        self._is_done = trainer.strategy.root_device.type != "cpu"

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Estimate the time that is left, as soon as enough was measured."""
        if self._is_done:
            return
        if self._started is None:
            self._started, self._first_batch = self._clock(), batches_trained(trainer)
            return
        elapsed = self._clock() - self._started
        if elapsed < MEASURED_S:
            return
        self._is_done = True
        per_batch = elapsed / (batches_trained(trainer) - self._first_batch)
        left = seconds_left(trainer, per_batch)
        if left is not None and left > LONG_S:
            _log.info("On this CPU the training takes %s: %s", _in_words(left), self._advice)


def _in_words(seconds: float) -> str:
    hours = round(seconds / 3600)
    return f"about {hours} hours" if hours < 48 else f"about {round(hours / 24)} days"
