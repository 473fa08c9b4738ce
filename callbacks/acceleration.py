"""Options that make a network run faster on some machines."""

import logging
from contextlib import ExitStack
from typing import Literal

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import GradientAccumulationScheduler
from torch import Tensor, nn
from torch.optim import Optimizer

from callbacks.network.compiled import compiled
from callbacks.network.fuse_batch_norm import fused

_log = logging.getLogger(__name__)

Mode = Literal["default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs"]
# The modes with CUDA graphs, whose memory a graph overwrites when it is replayed, accumulated
# gradients included; and the nearest modes without.
_WITHOUT_CUDA_GRAPHS: dict[Mode, Mode] = {
    "reduce-overhead": "default",
    "max-autotune": "max-autotune-no-cudagraphs",
}


class Acceleration(Callback):
    """Change how the module's ``network`` is run; its weights keep their names and values.

    Checkpoints do not depend on these options and can be loaded with any others. Results differ by
    rounding. All changes are undone afterwards, except for the memory layout of the weights.

    Args:
        channels_last: Use PyTorch's channels_last memory format.
        compile: Compile the network with torch.compile, in fit only: true, or the name of a mode.
            The other commands have too few batches of the same size to benefit, and so have
            batches of another size than the others, such as the last of an epoch.
        fold_batch_norm: In test and predict, fuse batch normalisation into the convolutions.
    """

    def __init__(
        self,
        *,
        channels_last: bool = False,
        compile: bool | Mode = False,  # noqa: A002 (as in torch)
        fold_batch_norm: bool = False,
    ) -> None:
        self.channels_last = channels_last
        self.compile = compile
        self.fold_batch_norm = fold_batch_norm
        self._changes = ExitStack()

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Change the network before its weights are loaded and before it is distributed.

        Raises:
            TypeError: an option is set, but the module has no ``network``.
        """
        if self.channels_last:
            # nn.Module.to has no typed overload for a memory format only.
            _network(pl_module).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if self.compile and stage == "fit":
            self._changes.enter_context(compiled(_network(pl_module), self._mode(trainer)))

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Give the optimisers' state the memory layout of the weights, also without options.

        The state in a checkpoint has the layout of the run that saved it.
        """
        for optimizer in trainer.optimizers:
            _match_layout_of_weights(optimizer)

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Fuse batch normalisation, now that the weights are loaded."""
        self._fuse(pl_module)

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Fuse batch normalisation, now that the weights are loaded."""
        self._fuse(pl_module)

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Undo compiling and fusing."""
        self._changes.close()

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Undo compiling and fusing."""
        self._changes.close()

    def _mode(self, trainer: Trainer) -> Mode | None:
        mode = None if isinstance(self.compile, bool) else self.compile
        without = _WITHOUT_CUDA_GRAPHS.get(mode) if mode else None
        if without is None or not _accumulates(trainer):
            return mode
        _log.warning(
            "acceleration.compile is %s instead of %s, whose CUDA graphs would overwrite "
            "accumulated gradients",
            without,
            mode,
        )
        return without

    def _fuse(self, pl_module: LightningModule) -> None:
        if self.fold_batch_norm:
            self._changes.enter_context(fused(_network(pl_module)))


def _accumulates(trainer: Trainer) -> bool:
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    return trainer.accumulate_grad_batches > 1 or any(
        isinstance(callback, GradientAccumulationScheduler) for callback in callbacks
    )


def _network(pl_module: LightningModule) -> nn.Module:
    network = getattr(pl_module, "network", None)
    if not isinstance(network, nn.Module):
        raise TypeError(
            f"{type(pl_module).__name__} has no nn.Module named network, which the options of "
            "acceleration change: rename the attribute, or do not set these options"
        )
    return network


def _match_layout_of_weights(optimizer: Optimizer) -> None:
    """Give the state of each weight its strides: fused optimisers assume the same layout."""
    for weight, state in optimizer.state.items():
        for name, value in state.items():
            has_same_shape = isinstance(value, Tensor) and value.shape == weight.shape
            if has_same_shape and value.stride() != weight.stride():
                state[name] = torch.empty_like(weight, dtype=value.dtype).copy_(value)
