"""The random generators, carried along in checkpoints."""

import random
from typing import Any

import numpy as np
import torch
from lightning.pytorch import Callback, LightningModule, Trainer

KEY = "random_states"


class RandomStates(Callback):
    """Save the state of the global random generators of each process, and set it on resuming.

    PyTorch's (CPU, and the process's CUDA device), NumPy's and Python's: with them dropout and the
    like go on as if the training had not been interrupted. The states are kept as plain numbers, so
    that checkpoints load without running code.
    """

    def __init__(self) -> None:
        self._saved: list[dict[str, Any]] = []

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Add the states of all processes."""
        own = _states(trainer)
        everyone: list[Any] = [None] * trainer.world_size
        if trainer.world_size > 1:
            torch.distributed.all_gather_object(everyone, own)
        else:
            everyone = [own]
        checkpoint[KEY] = everyone

    def on_load_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Note the states; what comes before the first step may still draw numbers."""
        self._saved = checkpoint.get(KEY, [])

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Set the states, where they were saved by as many processes as there are now."""
        if len(self._saved) == trainer.world_size:
            _restore(self._saved[trainer.global_rank], trainer)
        self._saved = []


def _states(trainer: Trainer) -> dict[str, Any]:
    version, python, gauss = random.getstate()
    numpy: Any = np.random.get_state()  # noqa: NPY002 (others may draw from it)
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
