"""A compiled network draws its attention maps, as an uncompiled one does."""

from functools import partial

import numpy as np
import pytest
import torch
from lightning.pytorch.plugins.precision import DoublePrecision, HalfPrecision, Precision
from torch import Tensor

from callbacks.network.compiled import compiled, uncompiled
from callbacks.wandb_media import Slices, run_network
from models import AttentionUNet

IMAGES = torch.randn(2, 1, 16, 16, generator=torch.Generator().manual_seed(0))


@pytest.fixture(autouse=True)
def backend_without_code(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.compiler.reset()
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))


@pytest.fixture
def network() -> AttentionUNet:
    torch.manual_seed(0)
    return AttentionUNet(widths=[4, 4, 8]).eval()


def slices(images: Tensor) -> Slices:
    empty = np.zeros((len(images), 16, 16), np.uint8)
    captions = [str(number) for number in range(len(images))]
    return Slices(captions, images, empty, empty[:, None] > 0, ["whole"], lambda logits: logits > 0)


@pytest.mark.parametrize("count", [1, 2], ids=["another size", "the compiled size"])
def test_attention_maps_are_drawn_of_a_compiled_network(count: int, network: AttentionUNet) -> None:
    expected = run_network(network, slices(IMAGES[:count]), Precision())

    with compiled(network, None), torch.no_grad():
        network(IMAGES)
        results = run_network(network, slices(IMAGES[:count]), Precision())

    assert expected.attention
    assert results.attention.keys() == expected.attention.keys()
    for name, colours in results.attention.items():
        np.testing.assert_array_equal(colours, expected.attention[name])


def test_a_network_is_compiled_again_afterwards(network: AttentionUNet) -> None:
    calls: list[bool] = []
    network.register_forward_hook(lambda *_: calls.append(torch.compiler.is_compiling()))

    with compiled(network, None):
        with uncompiled(network):
            network(IMAGES)
        assert calls == [False]
        network(IMAGES)

    network(IMAGES)
    assert calls == [False, True, False]


@pytest.mark.parametrize("precision", [DoublePrecision(), HalfPrecision("bf16-true")])
def test_pictures_are_drawn_of_a_network_in_any_precision(
    precision: Precision, network: AttentionUNet
) -> None:
    expected = run_network(network, slices(IMAGES), Precision())
    results = run_network(precision.convert_module(network), slices(IMAGES), precision)
    assert (results.prediction == expected.prediction).mean() > 0.95
    assert results.attention.keys() == expected.attention.keys()
