from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from models.blocks import (
    AtrousConv,
    ConvNormReLU,
    DoubleConv,
    check_all_positive,
    check_positive,
    resample_like,
)
from tests.models import reference
from tests.models.reference import drawn, ready

Forward = Callable[[Tensor], Tensor]


@pytest.mark.parametrize(
    ("kernel_size", "rate"), [(3, 1), (3, 2), (3, 6), (3, 18), (1, 1), (5, 1), (5, 2), (7, 1)]
)
def test_convolution_matches_the_atrous_equation(kernel_size: int, rate: int) -> None:
    x = drawn(2, 3, 15, 13)
    convolution, *_ = ConvNormReLU(3, 4, kernel_size, dilation=rate).double()

    expected = reference.atrous(x.numpy(), convolution.state_dict()["weight"].numpy(), rate)

    np.testing.assert_allclose(convolution(x).detach().numpy(), expected, rtol=0, atol=1e-12)


def whole_numbers(*shape: int, seed: int) -> Tensor:
    """Random whole numbers, so that the order of a sum does not matter."""
    return drawn(*shape, seed=seed).mul(9).round()


def atrous(rate: int) -> AtrousConv:
    convolution = AtrousConv(8, 4, 3, padding=rate, dilation=rate, bias=False).double()
    convolution.weight.data = whole_numbers(4, 8, 3, 3, seed=1)
    return convolution


def output_and_gradients(forward: Forward, weight: Tensor, x: Tensor) -> tuple[Tensor, ...]:
    """The output, and the gradients of its weighted sum."""
    x = x.clone().requires_grad_()
    y = forward(x)
    importance = whole_numbers(*y.shape, seed=2)
    return y, *torch.autograd.grad((y * importance).sum(), (x, weight))


@pytest.mark.parametrize("rate", [1, 2, 12, 14, 15, 18])
@pytest.mark.parametrize("size", [(15, 15), (15, 7), (7, 15), (12, 14), (2, 2), (1, 1)])
def test_skipping_taps_changes_neither_output_nor_gradients(
    rate: int, size: tuple[int, int]
) -> None:
    x = whole_numbers(2, 8, *size, seed=0)
    convolution = atrous(rate)

    actual = output_and_gradients(convolution, convolution.weight, x)
    every_tap = partial(nn.Conv2d.forward, convolution)
    expected = output_and_gradients(every_tap, convolution.weight, x)

    for tensor, reference_tensor in zip(actual, expected, strict=True):
        assert torch.equal(tensor, reference_tensor)


@pytest.mark.parametrize("kernel_size", [1, 5])
def test_taps_of_other_kernels_are_skipped_too(kernel_size: int) -> None:
    x = whole_numbers(1, 8, 5, 5, seed=0)
    convolution = AtrousConv(8, 4, kernel_size, padding=6 * (kernel_size // 2), dilation=6).double()
    convolution.weight.data = whole_numbers(4, 8, kernel_size, kernel_size, seed=1)

    assert torch.equal(convolution(x), nn.Conv2d.forward(convolution, x))


@pytest.mark.parametrize(("rate", "is_pointwise"), [(18, True), (15, True), (14, False)])
def test_only_the_centre_tap_counts_from_a_rate_of_the_maps_size(
    rate: int, is_pointwise: bool
) -> None:
    x = whole_numbers(2, 8, 15, 15, seed=0)
    convolution = atrous(rate)

    centre = conv2d(x, convolution.weight[:, :, 1:2, 1:2])

    assert convolution.is_pointwise_on(x) == is_pointwise
    assert torch.equal(nn.Conv2d.forward(convolution, x), centre) == is_pointwise


def test_a_fused_bias_is_added_if_taps_are_skipped() -> None:
    x = whole_numbers(1, 8, 5, 5, seed=0)
    convolution = atrous(6)
    convolution.bias = nn.Parameter(whole_numbers(4, seed=3))

    assert torch.equal(convolution(x), nn.Conv2d.forward(convolution, x))


def test_double_conv_matches_its_definition() -> None:
    x = drawn(2, 3, 6, 5)
    block, weights = ready(DoubleConv(3, 4))

    expected = reference.conv_norm_relu(
        reference.conv_norm_relu(x.numpy(), weights, "0"), weights, "1"
    )

    assert expected.shape == (2, 4, 6, 5)
    np.testing.assert_allclose(block(x).detach().numpy(), expected, rtol=0, atol=1e-12)


def test_only_the_norms_of_a_double_conv_have_a_bias() -> None:
    names = {name for name, _ in DoubleConv(3, 4).named_parameters()}

    assert names == {f"{i}.{part}" for i in (0, 1) for part in ("0.weight", "1.weight", "1.bias")}


def test_resampling_is_bilinear_between_pixel_centres() -> None:
    x = torch.tensor([0.0, 4.0]).reshape(1, 1, 1, 2)

    resampled = resample_like(x, torch.empty(1, 7, 2, 4))

    assert resampled.tolist() == [[[[0, 1, 3, 4], [0, 1, 3, 4]]]]


@pytest.mark.parametrize("value", [0, -3])
def test_an_option_below_one_is_rejected(value: int) -> None:
    with pytest.raises(
        ValueError, match=f"^blocks is {value}, expected a whole number of at least 1$"
    ):
        check_positive("blocks", value)


@pytest.mark.parametrize("values", [[], [6], [6, 0], [-1, 6]])
def test_too_few_or_too_small_numbers_are_rejected(values: list[int]) -> None:
    with pytest.raises(ValueError, match=r"^rates is \[.*\], expected 2 or more whole numbers"):
        check_all_positive("rates", values, at_least=2)


def test_valid_options_are_accepted() -> None:
    check_positive("blocks", 1)
    check_all_positive("rates", (1, 6), at_least=2)
