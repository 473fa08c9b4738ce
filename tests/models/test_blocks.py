import numpy as np
import pytest
import torch

from models.blocks import (
    ConvNormReLU,
    DoubleConv,
    check_all_positive,
    check_positive,
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
