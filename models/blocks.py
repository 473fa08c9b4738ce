"""Building blocks: convolutions, resampling, and checks of constructor arguments."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def check_positive(option: str, value: int) -> None:
    """Raise ValueError, which names the option, unless the value is at least 1."""
    if value < 1:
        raise ValueError(f"{option} is {value}, expected a whole number of at least 1")


def check_all_positive(option: str, values: Sequence[int], at_least: int = 1) -> None:
    """Raise ValueError, which names the option, if values are too few or any is below 1."""
    if len(values) < at_least or min(values) < 1:
        raise ValueError(
            f"{option} is {list(values)}, expected {at_least} or more whole numbers, "
            "each at least 1"
        )


def resample_like(x: Tensor, like: Tensor) -> Tensor:
    """Resample x (N, C, h, w) bilinearly to the height and width of ``like`` (N, c, H, W)."""
    size = like.shape[-2:]
    return nn.functional.interpolate(x, size=size, mode="bilinear", align_corners=False)


class AtrousConv(nn.Conv2d):
    """A convolution that skips the kernel taps which read nothing but padding.

    If the dilation rate is at least the map's height and width, only the centre tap reads the map.
    The convolution is then computed as a 1 x 1 convolution: the sums are the same, and the gradient
    of the other taps is zero.

    The kernel must be square with an odd side, the stride 1, and the padding must keep the map's
    size.
    """

    def is_pointwise_on(self, x: Tensor) -> bool:
        """Whether only the centre tap reads pixels of x (N, in, H, W)."""
        return self.dilation[0] >= max(x.shape[-2:])

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in, H, W) to (N, out, H, W)."""
        # An exported graph holds for maps of any size, so it cannot depend on this one's.
        if not torch.compiler.is_exporting() and self.is_pointwise_on(x):
            centre = self.kernel_size[0] // 2
            weight = self.weight[:, :, centre : centre + 1, centre : centre + 1]
            return nn.functional.conv2d(x, weight, self.bias)
        return super().forward(x)


class ConvNormReLU(nn.Sequential):
    """Convolution, batch normalisation and ReLU; maps (N, in, H, W) to (N, out, H, W).

    The convolution has no bias because batch normalisation would cancel it.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: height and width of the kernel; odd.
        dilation: rate r of an atrous convolution, y[i] = sum over k of x[i + r k] w[k]
            (Chen et al., 2017, "Rethinking Atrous Convolution", equation 1).
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
    """Two 3 x 3 convolutions, each followed by batch normalisation and ReLU.

    Maps (N, in, H, W) to (N, out, H, W). From Ronneberger et al. (2015), "U-Net", section 2, but
    with padding instead of cropping, and with batch normalisation, which the paper lacks.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output and of the map between the convolutions.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(
            ConvNormReLU(in_channels, out_channels, kernel_size=3),
            ConvNormReLU(out_channels, out_channels, kernel_size=3),
        )
