"""The state of the random generators, saved in checkpoints."""

import random
from typing import Any

import numpy as np
import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from callbacks.utils.distributed import gather

KEY = "random_states"


class RandomStates(Callback):
    """Save the state of the global random generators of each rank, and restore it on resuming.

    These are the generators of PyTorch (CPU and the rank's CUDA device), NumPy and Python. With
    their states, dropout draws the same numbers as in an uninterrupted training. The states are
    saved as plain numbers and tensors, so that checkpoints can be loaded without unpickling code.
    """

    def __init__(self) -> None:
        self._saved: list[dict[str, Any]] = []

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Add the states of all ranks."""
        checkpoint[KEY] = gather(_states(trainer), trainer)

    def on_load_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Keep the states for later: random numbers may be drawn before the first step.

        Raises:
            Exception: the states are damaged; what exactly depends on the generator.
        """
        self._saved = list(checkpoint.get(KEY, []))
        if len(self._saved) == trainer.world_size:
            before = _states(trainer)
            try:
                _restore(self._saved[trainer.global_rank], trainer)
            finally:
                _restore(before, trainer)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Restore the states, if they were saved by the same number of ranks."""
        if len(self._saved) == trainer.world_size:
            _restore(self._saved[trainer.global_rank], trainer)
        self._saved = []


def _states(trainer: Trainer) -> dict[str, Any]:
    version, python, gauss = random.getstate()
    numpy: Any = np.random.get_state()  # noqa: NPY002 (libraries draw from it)
    states = {
        "torch": torch.get_rng_state(),
        "python": [version, list(python), gauss],
        "numpy": [numpy[0], numpy[1].tolist(), *map(float, numpy[2:])],
    }
    if trainer.strategy.root_device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(trainer.strategy.root_device)
    return states


def _restore(states: dict[str, Any], trainer: Trainer) -> None:
    torch.set_rng_state(states["torch"].cpu())
    version, python, gauss = states["python"]
    random.setstate((version, tuple(python), gauss))
    name, keys, position, has_gauss, cached = states["numpy"]
    np.random.set_state((name, np.array(keys, np.uint32), int(position), int(has_gauss), cached))  # noqa: NPY002
    if "cuda" in states and trainer.strategy.root_device.type == "cuda":
        torch.cuda.set_rng_state(states["cuda"].cpu(), trainer.strategy.root_device)
