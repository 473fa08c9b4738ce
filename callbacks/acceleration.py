"""In which form a network is run: the same network, faster on some machines."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Literal

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor, nn
from torch.optim import Optimizer

from callbacks.utils.fuse_batch_norm import fused

Mode = Literal["default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs"]


class Acceleration(Callback):
    """Change how the module's ``network`` is run; its weights keep their names and values.

    Checkpoints written with any of these load without them, and the other way round. Results differ
    by rounding. Afterwards the network is as it was; only the memory layout of its weights, which
    changes no value, stays.

    Args:
        channels_last: Keep the channels of a pixel side by side in memory.
        compile: In fit alone, compile the network with torch.compile: true, or the name of a mode.
            The other commands have too few batches of a size to pay for it.
        fold_batch_norm: In test and predict, fold batch normalisation into the convolutions.
    """

    def __init__(
        self,
        channels_last: bool = False,  # noqa: FBT001, FBT002 (an option of the command line)
        compile: bool | Mode = False,  # noqa: A002, FBT001, FBT002 (torch's name for it)
        fold_batch_norm: bool = False,  # noqa: FBT001, FBT002
    ) -> None:
        self.channels_last = channels_last
        self.compile = compile
        self.fold_batch_norm = fold_batch_norm
        self._changes = ExitStack()

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Bring the network into its form, before weights are loaded or several devices share it.

        Raises:
            TypeError: an option is on, and the module has no ``network``.
        """
        if self.channels_last:
            # mypy knows no overload with a memory format alone.
            _network(pl_module).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if self.compile and stage == "fit":
            mode = None if self.compile is True else self.compile
            self._changes.enter_context(_compiled(_network(pl_module), mode))

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Lay out what the optimisers remember as the weights now are, also with no option on.

        A checkpoint keeps the layout of the run that wrote it.
        """
        for optimizer in trainer.optimizers:
            _lay_out_as_weights(optimizer)

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Fold, now that the weights are loaded."""
        self._fold(pl_module)

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Fold, now that the weights are loaded."""
        self._fold(pl_module)

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Undo what was compiled or folded."""
        self._changes.close()

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Undo what was compiled or folded."""
        self._changes.close()

    def _fold(self, pl_module: LightningModule) -> None:
        if self.fold_batch_norm:
            self._changes.enter_context(fused(_network(pl_module)))


def _network(pl_module: LightningModule) -> nn.Module:
    network = getattr(pl_module, "network", None)
    if not isinstance(network, nn.Module):
        raise TypeError(
            f"{type(pl_module).__name__} has no nn.Module named network, expected one to run in "
            "another form: name it so, or leave the options of acceleration off"
        )
    return network


@contextmanager
def _compiled(network: nn.Module, mode: str | None) -> Iterator[None]:
    """Compile a network in place, so that its weights keep their names."""
    before = network._compiled_call_impl  # noqa: SLF001 (torch has no public way back)
    network.compile(mode=mode)
    try:
        yield
    finally:
        network._compiled_call_impl = before  # noqa: SLF001


def _lay_out_as_weights(optimizer: Optimizer) -> None:
    """Give what is remembered of a weight the weight's strides: fused steps pair raw memory."""
    for weight, state in optimizer.state.items():
        for name, value in state.items():
            is_alike = isinstance(value, Tensor) and value.shape == weight.shape
            if is_alike and value.stride() != weight.stride():
                state[name] = torch.empty_like(weight, dtype=value.dtype).copy_(value)
