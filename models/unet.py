"""The U-Net and its three variants: one frame, and what each puts at its two seams."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn

from models.blocks import DoubleConv, check_all_positive, check_positive
from models.pyramids import SPP, repeated_aspp
from models.skips import AttentionGate, PlainSkip

WIDTHS = (64, 128, 256, 512, 1024)  # Ronneberger et al. (2015), figure 1


class UNetFrame(nn.Module):
    """The U-Net of Ronneberger et al. (2015), section 2, with two seams: the skips and the bottom.

    Maps images (N, in_channels, H, W) to logits (N, out_channels, H, W). H and W must be multiples
    of 2 ** (levels - 1), and twice that or more; with five levels, 240 x 240 is 15 x 15 at the
    bottom.
    A variant is a subclass whose arguments YAML can give, and which says what is at the seams.

    Args:
        in_channels: channels of the images.
        out_channels: channels of the logits.
        widths: channels of each level, from the top to the bottom.
        skip: given the channels of a skip and of its gating feature (the decoder's map one level
            below, half the size), builds a module that is called with the two and keeps the shape
            of the first.
        bottleneck: given the channels of the bottom, builds a module that keeps the shape.

    Raises:
        ValueError: a number is below 1, there are fewer than two widths, or a seam cannot be built
            from them.
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
            nn.ConvTranspose2d(below, here, kernel_size=2, stride=2) for below, here in upwards
        )
        self.decoder = nn.ModuleList(DoubleConv(2 * here, here) for _, here in upwards)
        self.head = nn.Conv2d(levels[0], out_channels, kernel_size=1)
        # The seams come last, so that one seed gives all variants the same weights above.
        self.skips = nn.ModuleList(skip(here, below) for below, here in upwards)
        self.bottleneck = bottleneck(bottom)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (N, in_channels, H, W) to logits (N, out_channels, H, W).

        Raises:
            ValueError: a side is too small or not a multiple of the divisor.
        """
        _check_sides(x, divisor=2 ** len(self.encoder))
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
    """The plain U-Net: skips as they are, nothing more at the bottom.

    Args:
        in_channels: channels of the images.
        out_channels: channels of the logits.
        widths: channels of each level, from the top to the bottom.

    Raises:
        ValueError: as UNetFrame says.
    """

    def __init__(
        self, in_channels: int = 1, out_channels: int = 1, widths: Sequence[int] = WIDTHS
    ) -> None:
        super().__init__(in_channels, out_channels, widths, skip=PlainSkip, bottleneck=nn.Identity)


class AttentionUNet(UNetFrame):
    """The Attention U-Net of Oktay et al. (2018): a gate on every skip.

    Args:
        in_channels: channels of the images.
        out_channels: channels of the logits.
        widths: channels of each level, from the top to the bottom; even but for the last.

    Raises:
        ValueError: as UNetFrame and AttentionGate say.
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
        widths: channels of each level, from the top to the bottom; even but for the last.
        sizes: cells a side of the pyramid's poolings.
        branch_width: channels of a branch of the pyramid; None for a quarter of the bottom's.

    Raises:
        ValueError: as UNetFrame, AttentionGate and SPP say.
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
        widths: channels of each level, from the top to the bottom; even but for the last.
        rates: dilation rates of every ASPP block.
        blocks: how many ASPP blocks, one after the other; 0 for none.
        branch_width: channels of a branch of a block; None for a quarter of the bottom's.

    Raises:
        ValueError: as UNetFrame, AttentionGate and repeated_aspp say.
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
        bottleneck = partial(repeated_aspp, rates=rates, blocks=blocks, branch_width=branch_width)
        super().__init__(
            in_channels, out_channels, widths, skip=AttentionGate, bottleneck=bottleneck
        )


def _check_sides(x: Tensor, divisor: int) -> None:
    # Below twice the divisor the bottom may be a single value, which cannot be normalised.
    smallest = 2 * divisor
    for name, side in zip(("height", "width"), x.shape[-2:], strict=True):
        if side < smallest or side % divisor:
            below = side // divisor * divisor
            nearest = sorted({max(valid, smallest) for valid in (below, below + divisor)})
            raise ValueError(
                f"{name} is {side}, expected a multiple of {divisor} from {smallest} up; "
                f"nearest: {' or '.join(map(str, nearest))}"
            )
