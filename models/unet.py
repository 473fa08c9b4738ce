"""The U-Net and its four variants, which differ in their skips and their bottleneck."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn

from models.blocks import DoubleConv, check_all_positive, check_positive
from models.pyramids import ASPP, SPP, ASPPv2, repeated_aspp
from models.skips import AttentionGate, PlainSkip

WIDTHS = (64, 128, 256, 512, 1024)  # Ronneberger et al. (2015), figure 1


class UNetFrame(nn.Module):
    """The U-Net of Ronneberger et al. (2015), section 2, with pluggable skips and bottleneck.

    Maps images (N, in_channels, H, W) to logits (N, out_channels, H, W). H and W must be multiples
    of 2 ** (levels - 1), and at least twice that. With five levels, an image of 240 x 240 is
    15 x 15 at the bottom.

    A variant is a subclass that passes ``skip`` and ``bottleneck``, and whose own arguments can be
    given in YAML.

    Args:
        in_channels: channels of the images.
        out_channels: channels of the logits.
        widths: channels of each level, from the top to the bottom.
        skip: builds a skip from its channels and those of its gating feature (the decoder's map one
            level below, half the size). The module is called with both maps and returns a map of
            the first one's shape.
        bottleneck: builds a module that keeps the shape, from the channels of the bottom.

    Raises:
        ValueError: a number is below 1, there are fewer than two widths, or ``skip`` or
            ``bottleneck`` rejects its channels.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        widths: Sequence[int],
        *,
        skip: Callable[[int, int], nn.Module],
        bottleneck: Callable[[int], nn.Module],
    ) -> None:
        super().__init__()
        check_positive("in_channels", in_channels)
        check_positive("out_channels", out_channels)
        check_all_positive("widths", widths, at_least=2)
        *levels, bottom = widths
        upwards = list(pairwise(reversed(widths)))
        self.encoder = nn.ModuleList(DoubleConv(i, o) for i, o in pairwise((in_channels, *levels)))
        self.bottom = DoubleConv(levels[-1], bottom)
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(below, above, kernel_size=2, stride=2) for below, above in upwards
        )
        self.decoder = nn.ModuleList(DoubleConv(2 * above, above) for _, above in upwards)
        self.head = nn.Conv2d(levels[0], out_channels, kernel_size=1)
        # Created last, so that one seed gives all variants the same weights in the layers above.
        self.skips = nn.ModuleList(skip(above, below) for below, above in upwards)
        self.bottleneck = bottleneck(bottom)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (N, in_channels, H, W) to logits (N, out_channels, H, W).

        Raises:
            ValueError: H or W is too small, or not a multiple of 2 ** (levels - 1).
        """
        _check_size(x, divisor=2 ** len(self.encoder))
        features = []
        for stage in self.encoder:
            features.append(stage(x))
            x = nn.functional.max_pool2d(features[-1], 2)
        x = self.bottleneck(self.bottom(x))
        for up, skip, stage in zip(self.ups, self.skips, self.decoder, strict=True):
            x = stage(torch.cat([skip(features.pop(), x), up(x)], dim=1))
        logits: Tensor = self.head(x)
        return logits


class UNet(UNetFrame):
    """The plain U-Net: skips without gates, and no bottleneck.

    Args:
        in_channels: channels of the images.
        out_channels: channels of the logits.
        widths: channels of each level, from the top to the bottom.

    Raises:
        ValueError: UNetFrame rejects the arguments.
    """

    def __init__(
        self, in_channels: int = 1, out_channels: int = 1, widths: Sequence[int] = WIDTHS
    ) -> None:
        super().__init__(in_channels, out_channels, widths, skip=PlainSkip, bottleneck=nn.Identity)


class AttentionUNet(UNetFrame):
    """The Attention U-Net of Oktay et al. (2018): an attention gate on every skip.

    Args:
        in_channels: channels of the images.
        out_channels: channels of the logits.
        widths: channels of each level, from the top to the bottom; all but the last must be even.

    Raises:
        ValueError: UNetFrame or AttentionGate rejects the arguments.
    """

    def __init__(
        self, in_channels: int = 1, out_channels: int = 1, widths: Sequence[int] = WIDTHS
    ) -> None:
        super().__init__(
            in_channels, out_channels, widths, skip=AttentionGate, bottleneck=nn.Identity
        )


class AttentionUNetSPP(UNetFrame):
    """The Attention U-Net with spatial pyramid pooling at the bottom.

    Args:
        in_channels: channels of the images.
        out_channels: channels of the logits.
        widths: channels of each level, from the top to the bottom; all but the last must be even.
        sizes: grid sizes of the pyramid's poolings, in cells per side.
        branch_width: channels of a branch of the pyramid; None for a quarter of the last width.

    Raises:
        ValueError: UNetFrame, AttentionGate or SPP rejects the arguments.
    """

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 1,
        widths: Sequence[int] = WIDTHS,
        *,
        sizes: Sequence[int] = (1, 2, 3, 6),
        branch_width: int | None = None,
    ) -> None:
        bottleneck = partial(SPP, sizes=sizes, branch_width=branch_width)
        super().__init__(
            in_channels, out_channels, widths, skip=AttentionGate, bottleneck=bottleneck
        )


class AttentionUNetASPP(UNetFrame):
    """The Attention U-Net with repeated atrous spatial pyramid pooling at the bottom.

    Args:
        in_channels: channels of the images.
        out_channels: channels of the logits.
        widths: channels of each level, from the top to the bottom; all but the last must be even.
        rates: dilation rates of each ASPP block.
        blocks: number of consecutive ASPP blocks; 0 for none.
        branch_width: channels of a branch of a block; None for a quarter of the last width.

    Raises:
        ValueError: UNetFrame, AttentionGate or repeated_aspp rejects the arguments.
    """

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 1,
        widths: Sequence[int] = WIDTHS,
        *,
        rates: Sequence[int] = (6, 12, 18),
        blocks: int = 3,
        branch_width: int | None = None,
    ) -> None:
        bottleneck = partial(
            repeated_aspp, block=ASPP, rates=rates, blocks=blocks, branch_width=branch_width
        )
        super().__init__(
            in_channels, out_channels, widths, skip=AttentionGate, bottleneck=bottleneck
        )


class AttentionUNetASPPv2(UNetFrame):
    """The Attention U-Net with repeated ASPP at the bottom, in the form of DeepLab v2.

    Args:
        in_channels: channels of the images.
        out_channels: channels of the logits.
        widths: channels of each level, from the top to the bottom; all but the last must be even.
        rates: dilation rates of each ASPP block; the default is that of DeepLab's ASPP-L.
        blocks: number of consecutive ASPP blocks; 0 for none.
        branch_width: channels of a branch of a block; None for a quarter of the last width.

    Raises:
        ValueError: UNetFrame, AttentionGate or repeated_aspp rejects the arguments.
    """

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 1,
        widths: Sequence[int] = WIDTHS,
        *,
        rates: Sequence[int] = (6, 12, 18, 24),
        blocks: int = 3,
        branch_width: int | None = None,
    ) -> None:
        bottleneck = partial(
            repeated_aspp, block=ASPPv2, rates=rates, blocks=blocks, branch_width=branch_width
        )
        super().__init__(
            in_channels, out_channels, widths, skip=AttentionGate, bottleneck=bottleneck
        )


def _check_size(x: Tensor, divisor: int) -> None:
    # Below twice the divisor the bottom may be a single pixel, which batch normalisation rejects.
    smallest = 2 * divisor
    for name, length in zip(("height", "width"), x.shape[-2:], strict=True):
        if length < smallest or length % divisor:
            below = length // divisor * divisor
            nearest = sorted({max(valid, smallest) for valid in (below, below + divisor)})
            raise ValueError(
                f"{name} is {length}, expected a multiple of {divisor} of at least {smallest}; "
                f"nearest: {' or '.join(map(str, nearest))}"
            )
