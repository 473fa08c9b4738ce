"""How large a network is, and whether it takes the slices that it will be given."""

from typing import Any

import torch
from torch import nn

from data_modules.brats import BraTSDataModule
from lightning_app.utils.errors import UsageError
from models.blocks import every_tap


def describe_network(network: nn.Module, data: BraTSDataModule) -> dict[str, Any]:
    """Parameters and multiply-adds of a network for one slice; JSON types only.

    Raises:
        UsageError: the network does not take slices of that size and number of channels.
    """
    size = data.cache.size
    expected = (1, data.target.channels, *size)
    try:
        image = torch.zeros(1, len(data.modalities), *size)
        multiply_adds, shape = count_multiply_adds(network, image)
    except (ValueError, RuntimeError) as error:
        raise UsageError(
            f"{type(network).__name__} cannot take slices of data.image_size {list(size)} with "
            f"{len(data.modalities)} channels: {str(error).splitlines()[0]}"
        ) from error
    if shape != expected:
        raise UsageError(
            f"{type(network).__name__} gives logits of size {list(shape)} for one slice, expected "
            f"{list(expected)} for data.target '{data.target.name}'"
        )
    return {
        "class": f"{type(network).__module__}.{type(network).__qualname__}",
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "multiply_adds": multiply_adds,
        "image_size": list(size),
    }


def count_multiply_adds(network: nn.Module, image: torch.Tensor) -> tuple[int, tuple[int, ...]]:
    """Multiply-adds of the matrix products and convolutions of a forward pass, and its shape.

    They are those of the layers' definitions, products with padding included, whichever of them an
    implementation can leave out.

    Args:
        network: in evaluation or training mode, which it keeps.
        image: (1, channels, H, W), on the network's device.
    """
    from torch.utils.flop_counter import FlopCounterMode

    was_training = network.training
    network.eval()  # a batch of one, and no statistics to be changed
    with torch.no_grad(), every_tap(), FlopCounterMode(display=False) as counter:
        logits = network(image)
    network.train(was_training)
    return int(counter.get_total_flops() // 2), tuple(logits.shape)
