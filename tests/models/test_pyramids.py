import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from models.pyramids import ASPP, SPP, ASPPv2, pool_to_cells, repeated_aspp
from tests.models import reference
from tests.models.reference import Array, Weights, drawn, ready

MAPS = [(15, 15), (7, 11), (6, 6), (2, 3), (1, 1)]


def spp(x: Array, weights: Weights, sizes: tuple[int, ...]) -> Array:
    maps = [x]
    for branch, size in enumerate(sizes):
        pooled = reference.pointwise(reference.cells(x, size), weights, f"branches.{branch}.0")
        maps.append(reference.bilinear(reference.relu(pooled), *x.shape[2:]))
    return reference.conv_norm_relu(np.concatenate(maps, axis=1), weights, "merge")


def aspp(x: Array, weights: Weights, rates: tuple[int, ...], name: str = "") -> Array:
    maps = [
        reference.conv_norm_relu(x, weights, f"{name}branches.{branch}", rate)
        for branch, rate in enumerate((1, *rates))
    ]
    mean = x.mean(axis=(2, 3), keepdims=True)
    whole = reference.relu(reference.pointwise(mean, weights, f"{name}whole.0"))
    maps.append(np.broadcast_to(whole, maps[0].shape))
    return reference.conv_norm_relu(np.concatenate(maps, axis=1), weights, f"{name}merge")


def aspp_v2(x: Tensor, weights: dict[str, Tensor], rates: tuple[int, ...]) -> Tensor:
    """DeepLab v2's ASPP in torch's functions: the sum of fc8(relu(fc7(relu(fc6(x)))))."""
    total = torch.zeros_like(x)
    for branch, rate in enumerate(rates):
        fc6, fc7, fc8 = (
            (weights[f"branches.{branch}.{i}.weight"], weights[f"branches.{branch}.{i}.bias"])
            for i in (0, 2, 4)
        )
        y = functional.conv2d(x, *fc6, padding=rate, dilation=rate).relu()
        total = total + functional.conv2d(functional.conv2d(y, *fc7).relu(), *fc8)
    return total


@pytest.mark.parametrize("size", [1, 2, 3, 4, 6])
@pytest.mark.parametrize(("height", "width"), MAPS)
def test_pool_to_cells_matches_adaptive_max_pooling(height: int, width: int, size: int) -> None:
    x = drawn(2, 3, height, width).requires_grad_()
    importance = drawn(2, 3, size, size, seed=1)

    pooled, expected = pool_to_cells(x, size), functional.adaptive_max_pool2d(x, size)

    assert torch.equal(pooled, expected)
    np.testing.assert_array_equal(
        pooled.detach().numpy(), reference.cells(x.detach().numpy(), size)
    )
    torch.testing.assert_close(
        torch.autograd.grad(pooled, x, importance), torch.autograd.grad(expected, x, importance)
    )


@pytest.mark.parametrize(("height", "width"), [(15, 15), (5, 9), (2, 2)])
def test_spp_matches_its_definition(height: int, width: int) -> None:
    x = drawn(2, 8, height, width)
    block, weights = ready(SPP(8, (1, 2, 3, 6)))

    expected = spp(x.numpy(), weights, (1, 2, 3, 6))

    assert expected.shape == x.shape
    assert weights["branches.0.0.weight"].shape == (2, 8, 1, 1)
    np.testing.assert_allclose(block(x).detach().numpy(), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("height", "width"), [(15, 15), (5, 9), (2, 2)])
def test_aspp_matches_its_definition(height: int, width: int) -> None:
    x = drawn(2, 8, height, width)
    block, weights = ready(ASPP(8, (6, 12, 18)))

    expected = aspp(x.numpy(), weights, (6, 12, 18))

    assert expected.shape == x.shape
    assert weights["branches.0.0.weight"].shape == (2, 8, 1, 1)
    assert weights["branches.3.0.weight"].shape == (2, 8, 3, 3)
    np.testing.assert_allclose(block(x).detach().numpy(), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("height", "width"), [(30, 26), (15, 15), (5, 9), (2, 2)])
def test_aspp_v2_matches_its_definition(height: int, width: int) -> None:
    x = drawn(2, 8, height, width)
    block = ASPPv2(8, (6, 12, 18, 24), branch_width=3).double()
    for index, weight in enumerate(block.parameters()):  # biases too
        weight.data = drawn(*weight.shape, seed=index)

    expected = aspp_v2(x, block.state_dict(), (6, 12, 18, 24))

    assert expected.shape == x.shape
    torch.testing.assert_close(block(x), expected, rtol=0, atol=1e-10)


def test_repeated_aspp_v2_keeps_the_size_of_the_signal() -> None:
    # Nothing after it rescales: what it shrinks, the decoder and the layers before it hardly see.
    torch.manual_seed(0)
    x = torch.randn(4, 128, 15, 15).relu()

    y = repeated_aspp(128, block=ASPPv2, rates=(6, 12, 18, 24), blocks=3)(x)

    def variation(values: Tensor) -> float:
        return values.std(dim=(0, 2, 3)).mean().item()

    assert 0.3 < variation(y) / variation(x) < 3


def test_repeated_aspp_chains_its_blocks() -> None:
    x = drawn(1, 4, 5, 6)
    chain = repeated_aspp(4, block=ASPP, rates=(1, 2), blocks=3, branch_width=3)
    blocks, weights = ready(chain)

    expected = x.numpy()
    for block in range(3):
        expected = aspp(expected, weights, (1, 2), name=f"{block}.")

    np.testing.assert_allclose(blocks(x).detach().numpy(), expected, rtol=0, atol=1e-12)


def test_zero_aspp_blocks_are_an_identity() -> None:
    x = drawn(1, 4, 5, 6)

    assert torch.equal(repeated_aspp(4, block=ASPP, rates=(6,), blocks=0)(x), x)


@pytest.mark.parametrize("block", [SPP(4, (1, 2)), ASPP(4, (6,)), ASPPv2(4, (6,))])
def test_a_batch_of_two_single_pixels_can_be_trained(block: nn.Module) -> None:
    # The branches that pool get one value per channel and image; they have no normalisation.
    assert block.train()(torch.randn(2, 4, 1, 1)).shape == (2, 4, 1, 1)


def test_branch_width_overrides_the_default_of_a_quarter() -> None:
    assert SPP(6, (1, 2), branch_width=5).merge[0].weight.shape == (6, 6 + 2 * 5, 1, 1)
    assert ASPP(6, (1, 2), branch_width=5).merge[0].weight.shape == (6, 4 * 5, 1, 1)
    weights = ASPPv2(6, (1, 2), branch_width=5).state_dict()
    assert weights["branches.1.4.weight"].shape == (6, 5, 1, 1)
    assert ASPPv2(8, (1, 2)).state_dict()["branches.1.2.weight"].shape == (2, 2, 1, 1)


@pytest.mark.parametrize("values", [[], [0], [6, -1]])
def test_invalid_sizes_and_rates_are_rejected(values: list[int]) -> None:
    with pytest.raises(ValueError, match=r"^sizes is \[.*\], expected 1 or more whole numbers"):
        SPP(8, values)
    for aspp_block in (ASPP, ASPPv2):
        with pytest.raises(ValueError, match=r"^rates is \[.*\], expected 1 or more whole numbers"):
            aspp_block(8, values)


@pytest.mark.parametrize(
    ("channels", "branch_width", "words"),
    [
        (6, None, "^channels is 6, expected a multiple of 4.*branch_width"),
        (0, None, "^channels is 0, expected a whole number of at least 1"),
        (8, 0, "^branch_width is 0, expected a whole number of at least 1"),
    ],
)
def test_invalid_widths_are_rejected(channels: int, branch_width: int | None, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        SPP(channels, (1,), branch_width)
    for aspp_block in (ASPP, ASPPv2):
        with pytest.raises(ValueError, match=words):
            aspp_block(channels, (1,), branch_width)


@pytest.mark.parametrize("blocks", [-1, 101])
def test_too_many_or_negative_blocks_are_rejected(blocks: int) -> None:
    with pytest.raises(ValueError, match=rf"^blocks is {blocks}, expected 0 \(no ASPP\) to 100"):
        repeated_aspp(8, block=ASPP, rates=(6,), blocks=blocks)


def test_the_largest_numbers_are_accepted() -> None:
    assert len(repeated_aspp(4, block=ASPP, rates=(1,), blocks=100, branch_width=1)) == 100
    assert SPP(4, (1, 256)).sizes == (1, 256)
    with pytest.raises(ValueError, match=r"^sizes is \[1, 257\], expected at most 256$"):
        SPP(4, (1, 257))
