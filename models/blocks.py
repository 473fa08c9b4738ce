"""What all parts share: convolution blocks, resampling, and the checks of their options."""

from collections.abc import Sequence

from torch import Tensor, nn


def check_positive(option: str, value: int) -> None:
    """Raise ValueError, naming the option, unless the value is 1 or more."""
    if value < 1:
        raise ValueError(f"{option} is {value}, expected a whole number from 1 up")


def check_all_positive(option: str, values: Sequence[int], at_least: int = 1) -> None:
    """Raise ValueError, naming the option, unless it holds enough numbers and each is 1 or more."""
    if len(values) < at_least or min(values) < 1:
        raise ValueError(
            f"{option} is {list(values)}, expected {at_least} or more whole numbers, each from 1 up"
        )


def resample_like(x: Tensor, like: Tensor) -> Tensor:
    """Return x (N, C, h, w), resampled bilinearly to the H x W of ``like`` (N, c, H, W)."""
    size = like.shape[-2:]
    return nn.functional.interpolate(x, size=size, mode="bilinear", align_corners=False)


class ConvNormReLU(nn.Sequential):
    """Convolution, batch normalisation and ReLU; maps (N, in, H, W) to (N, out, H, W).

    The convolution has no bias, since the normalisation would take it away again.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: side of the kernel, an odd number.
        dilation: the rate r of an atrous convolution, y[i] = sum over k of x[i + r k] w[k]
            (Chen et al. 2017, "Rethinking Atrous Convolution", equation 1).
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, dilation: int = 1
    ) -> None:
        padding = dilation * (kernel_size // 2)
        super().__init__(
            nn.Conv2d(
                in_channels,
                out_channels,
                kernel_size,
                padding=padding,
                dilation=dilation,
                bias=False,
            ),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
        )


class DoubleConv(nn.Sequential):
    """Twice a 3 x 3 convolution, batch normalisation and ReLU.

    Maps (N, in, H, W) to (N, out, H, W): Ronneberger et al. (2015), "U-Net", section 2, with
    padding in place of its cropping and with the normalisation that came after it.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output and in between.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(
            ConvNormReLU(in_channels, out_channels, kernel_size=3),
            ConvNormReLU(out_channels, out_channels, kernel_size=3),
        )
