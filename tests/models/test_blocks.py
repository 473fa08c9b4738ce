import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv2d

from models.blocks import (
    AtrousConv,
    ConvNormReLU,
    DoubleConv,
    check_all_positive,
    check_positive,
    every_tap,
    resample_like,
)
from tests.models import reference
from tests.models.reference import drawn, ready


@pytest.mark.parametrize("rate", [1, 2, 6, 18])
def test_convolution_is_the_atrous_equation(rate: int) -> None:
    x = drawn(2, 3, 15, 13)
    convolution, *_ = ConvNormReLU(3, 4, kernel_size=3, dilation=rate).double()

    expected = reference.atrous(x.numpy(), convolution.state_dict()["weight"].numpy(), rate)

    np.testing.assert_allclose(convolution(x).detach().numpy(), expected, rtol=0, atol=1e-12)


def whole_numbers(*shape: int, seed: int) -> Tensor:
    """So that no rounding depends on the order of a sum."""
    return drawn(*shape, seed=seed).mul(9).round()


def atrous(rate: int) -> AtrousConv:
    convolution = AtrousConv(8, 4, 3, padding=rate, dilation=rate, bias=False).double()
    convolution.weight.data = whole_numbers(4, 8, 3, 3, seed=1)
    return convolution


def outcome(convolution: AtrousConv, x: Tensor) -> tuple[Tensor, ...]:
    """The map, and the gradients of its weighted sum."""
    x = x.clone().requires_grad_()
    y = convolution(x)
    weights = whole_numbers(*y.shape, seed=2)
    return y, *torch.autograd.grad((y * weights).sum(), (x, convolution.weight))


@pytest.mark.parametrize("rate", [1, 2, 12, 14, 15, 18])
@pytest.mark.parametrize("size", [(15, 15), (15, 7), (7, 15), (12, 14), (2, 2), (1, 1)])
def test_what_is_left_out_changes_neither_map_nor_gradients(
    rate: int, size: tuple[int, int]
) -> None:
    x = whole_numbers(2, 8, *size, seed=0)

    left_out = outcome(atrous(rate), x)
    with every_tap():
        computed = outcome(atrous(rate), x)

    for one, other in zip(left_out, computed, strict=True):
        assert torch.equal(one, other)


def test_rate_18_on_15_pixels_is_its_centre_tap_and_rate_14_is_not() -> None:
    x = whole_numbers(2, 8, 15, 15, seed=0)
    with every_tap():
        for rate, alone in ((18, True), (15, True), (14, False)):
            convolution = atrous(rate)
            centre = conv2d(x, convolution.weight[:, :, 1:2, 1:2])
            assert torch.equal(convolution(x), centre) == alone


def test_a_folded_bias_is_added_where_taps_are_left_out() -> None:
    x = whole_numbers(1, 8, 5, 5, seed=0)
    convolution = atrous(6)
    convolution.bias = torch.nn.Parameter(whole_numbers(4, seed=3))

    left_out = convolution(x)

    with every_tap():
        assert torch.equal(left_out, convolution(x))


def test_double_conv_is_two_convolutions_each_normalised_and_rectified() -> None:
    x = drawn(2, 3, 6, 5)
    block, weights = ready(DoubleConv(3, 4))

    expected = reference.conv_norm_relu(
        reference.conv_norm_relu(x.numpy(), weights, "0"), weights, "1"
    )

    assert expected.shape == (2, 4, 6, 5)
    np.testing.assert_allclose(block(x).detach().numpy(), expected, rtol=0, atol=1e-12)


def test_double_conv_has_no_bias_but_its_norms() -> None:
    names = {name for name, _ in DoubleConv(3, 4).named_parameters()}

    assert names == {f"{i}.{part}" for i in (0, 1) for part in ("0.weight", "1.weight", "1.bias")}


def test_resampling_is_bilinear_between_pixel_centres() -> None:
    x = torch.tensor([0.0, 4.0]).reshape(1, 1, 1, 2)

    resampled = resample_like(x, torch.empty(1, 7, 2, 4))

    assert resampled.tolist() == [[[[0, 1, 3, 4], [0, 1, 3, 4]]]]


@pytest.mark.parametrize("value", [0, -3])
def test_option_below_one_is_refused_in_words(value: int) -> None:
    with pytest.raises(ValueError, match=f"^blocks is {value}, expected a whole number from 1 up$"):
        check_positive("blocks", value)


@pytest.mark.parametrize("values", [[], [6], [6, 0], [-1, 6]])
def test_option_with_too_few_or_too_small_numbers_is_refused_in_words(values: list[int]) -> None:
    with pytest.raises(ValueError, match=r"^rates is \[.*\], expected 2 or more whole numbers"):
        check_all_positive("rates", values, at_least=2)


def test_good_options_pass() -> None:
    check_positive("blocks", 1)
    check_all_positive("rates", (1, 6), at_least=2)
