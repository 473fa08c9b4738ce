"""The multiply-adds of a network, worked out by hand, and the sizes that it must take."""

from typing import Any

import pytest
import torch
from torch import nn

from data_modules.brats import BraTSDataModule
from lightning_app.runs.model_summary import count_multiply_adds, describe_network
from lightning_app.utils.errors import UsageError
from models import UNet
from models.blocks import AtrousConv

IMAGE = torch.zeros(1, 2, 4, 6)


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        (nn.Conv2d(2, 5, 3, padding=1), 4 * 6 * 5 * 2 * 9),
        (nn.Conv2d(2, 5, 1), 4 * 6 * 5 * 2),
        (nn.ConvTranspose2d(2, 5, 2, stride=2), 4 * 6 * 2 * 5 * 4),
        (AtrousConv(2, 5, 3, padding=2, dilation=2), 4 * 6 * 5 * 2 * 9),
        # Its taps outside the map are not computed, but count.
        (AtrousConv(2, 5, 3, padding=6, dilation=6), 4 * 6 * 5 * 2 * 9),
        (AtrousConv(2, 5, (3, 5), padding=(6, 12), dilation=6), 4 * 6 * 5 * 2 * 15),
        (nn.ReLU(), 0),
    ],
)
def test_multiply_adds_by_hand(network: nn.Module, expected: int) -> None:
    multiply_adds, shape = count_multiply_adds(network, IMAGE)

    assert multiply_adds == expected
    assert shape == tuple(network(IMAGE).shape)


@pytest.mark.parametrize("training", [True, False])
def test_counting_leaves_the_network_as_it_was(training: bool) -> None:
    network = nn.Sequential(AtrousConv(2, 2, 3, padding=6, dilation=6), nn.BatchNorm2d(2))
    network.train(training)
    before = {name: value.clone() for name, value in network.state_dict().items()}

    count_multiply_adds(network, torch.ones(1, 2, 4, 6))

    assert network.training is training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert not any(module._forward_hooks for module in network.modules())


@pytest.mark.parametrize("window", [(64, 64), "auto"])
def test_a_network_must_take_the_window_of_a_larger_brain(window: Any) -> None:
    network = UNet(widths=[4, 4, 4, 4, 4, 4])  # halves height and width five times
    data = BraTSDataModule(image_size=(96, 96), window=window)
    with pytest.raises(
        UsageError, match=r"a window for a larger brain, \[80, 80\] .* multiple of 32"
    ):
        describe_network(network, data)
    describe_network(UNet(widths=[4, 4, 4, 4, 4]), data)
