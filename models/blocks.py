"""What all parts share: convolution blocks, resampling, and the checks of their options."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar

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


class AtrousConv(nn.Conv2d):
    """A convolution that leaves out the taps which see nothing but padding.

    Where the dilation rate reaches both sides of the map, these are all but the centre one. What is
    left is a 1 x 1 convolution: the same sums, and for the other taps a gradient of zeros.
    Takes square kernels of an odd side, with stride 1 and the padding that keeps the map's size.
    """

    leaves_out: ClassVar[bool] = True

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in, H, W) to (N, out, H, W)."""
        if self.leaves_out and self.dilation[0] >= max(x.shape[-2:]):
            centre = self.kernel_size[0] // 2
            weight = self.weight[:, :, centre : centre + 1, centre : centre + 1]
            return nn.functional.conv2d(x, weight, self.bias)
        return super().forward(x)


@contextmanager
def every_tap() -> Iterator[None]:
    """Compute all taps, padding or not: for the arithmetic that a network's definition asks for."""
    AtrousConv.leaves_out = False
    try:
        yield
    finally:
        AtrousConv.leaves_out = True


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
            AtrousConv(
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
