"""The size of a network, and a check that it accepts the slices of the data."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from data_modules.brats import BraTSDataModule
from data_modules.utils.words import counted
from data_modules.window import STEP, BrainWindow, Size
from lightning_app.utils.errors import UsageError
from models.blocks import AtrousConv

_FRAME = "data.image_size"
_SMALL = 64  # no network with the usual number of levels takes much less


def describe_network(network: nn.Module, data: BraTSDataModule) -> dict[str, Any]:
    """Parameters and multiply-adds of a network for one slice; JSON types only.

    Raises:
        UsageError: the network does not accept slices of that size and number of channels, or its
            logits have another shape than the target.
    """
    size, frame = data.window.input_size, data.cache.size
    has_window = data.window.size is not None
    multiply_adds = _accepted(network, data, "data.window" if has_window else _FRAME, size)
    for larger in _other_windows(data.window, frame):
        option = _FRAME if larger == frame else "a window for a larger brain,"
        _accepted(network, data, option, larger)
    return {
        "class": f"{type(network).__module__}.{type(network).__qualname__}",
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "multiply_adds": multiply_adds,
        "image_size": list(size),
    }


def _other_windows(window: BrainWindow, frame: Size) -> list[Size]:
    """Sizes of windows that a brain in validation, test or prediction may get.

    A network that takes these takes all: one of another parity in steps of 16, and the frame.
    """
    if window.choice is None:
        return []
    size = window.input_size
    sizes = [frame] if any(length % STEP for length in frame) else []
    if not any(length % STEP for length in size):
        height, width = (
            length + (STEP if length + STEP <= limit else -STEP if length > _SMALL else 0)
            for length, limit in zip(size, frame, strict=True)
        )
        sizes.append((height, width))
    return sizes


def _accepted(network: nn.Module, data: BraTSDataModule, option: str, size: Size) -> int:
    """The multiply-adds for a slice of the size that an option names. Raises UsageError."""
    expected = (1, data.target.channels, *size)
    try:
        image = torch.zeros(1, len(data.modalities), *size)
        multiply_adds, shape = count_multiply_adds(network, image)
    except (ValueError, RuntimeError) as error:
        raise UsageError(
            f"{type(network).__name__} cannot take slices of {option} {list(size)} with "
            f"{counted(len(data.modalities), 'channel')}: {str(error).splitlines()[0]}"
        ) from error
    if shape != expected:
        raise UsageError(
            f"{type(network).__name__} gives logits of size {list(shape)} for one slice, expected "
            f"{list(expected)} for data.target '{data.target.name}'"
        )
    return multiply_adds


def count_multiply_adds(network: nn.Module, image: torch.Tensor) -> tuple[int, tuple[int, ...]]:
    """Count the multiply-adds of the matrix products and convolutions of a forward pass.

    Products with padding count too, also if the implementation skips them (see AtrousConv).

    Args:
        network: in evaluation or training mode, which is restored.
        image: (1, channels, H, W), on the network's device.

    Returns:
        The multiply-adds, and the shape of the output.
    """
    from torch.utils.flop_counter import FlopCounterMode

    was_training = network.training
    network.eval()  # keeps the statistics of batch normalisation
    with (
        torch.no_grad(),
        FlopCounterMode(display=False) as counter,
        _skipped_by(network) as skipped,
    ):
        logits = network(image)
    network.train(was_training)
    return int(counter.get_total_flops() // 2) + sum(skipped), tuple(logits.shape)


@contextmanager
def _skipped_by(network: nn.Module) -> Iterator[list[int]]:
    """Collect the multiply-adds with padding that each call of an AtrousConv skips."""
    skipped: list[int] = []

    def count(conv: AtrousConv, inputs: tuple[torch.Tensor], output: torch.Tensor) -> None:
        if conv.is_pointwise_on(*inputs):
            height, width = conv.kernel_size
            skipped.append(output.numel() * conv.in_channels * (height * width - 1))

    hooks = [
        module.register_forward_hook(count)
        for module in network.modules()
        if isinstance(module, AtrousConv)
    ]
    try:
        yield skipped
    finally:
        for hook in hooks:
            hook.remove()
