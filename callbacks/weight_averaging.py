"""Averaged weights, also for trainings of few steps."""

from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import WeightAveraging
from torch import Tensor

WARM_UP = 9  # steps: TensorFlow's ExponentialMovingAverage has (1 + n) / (10 + n)


class WarmedUpAverage(WeightAveraging):
    """An exponential moving average of the weights, whose decay grows from 0.

    After step n the decay is min(decay, n / (n + 9)), that of TensorFlow's
    ``ExponentialMovingAverage`` with ``num_updates``. So the average is over about the last tenth
    of the steps until the decay is reached, whereas with a fixed decay a training of a few hundred
    steps ends with weights of its beginning. All else is as in Lightning's ``EMAWeightAveraging``.

    Args:
        decay: the largest decay; 0.99 averages over about 100 steps.

    Raises:
        ValueError: the decay is not in [0, 1).
    """

    def __init__(self, decay: float = 0.99) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"decay is {decay}, expected at least 0 and less than 1")
        super().__init__(use_buffers=True, avg_fn=self._average)
        self.decay = decay
        self._current = 0.0

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, *args: Any, **kwargs: Any
    ) -> None:
        """Update the average after a step."""
        step = trainer.global_step  # on the host: a GPU need not be waited for
        self._current = min(self.decay, step / (step + WARM_UP))
        super().on_train_batch_end(trainer, pl_module, *args, **kwargs)

    def _average(self, average: Tensor, weights: Tensor, _: Tensor | int) -> Tensor:
        return self._current * average + (1 - self._current) * weights
