"""What may be put at the bottom of a U-Net: spatial pyramids, which keep a map's shape.

Branches that pool to cells have a bias and no batch normalisation: over one value a channel there
is nothing to normalise, and a batch of one could not be trained.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from models.blocks import ConvNormReLU, check_all_positive, check_positive, resample_like


def pool_to_cells(x: Tensor, size: int) -> Tensor:
    """Return the maxima (N, C, size, size) of the cells of x (N, C, H, W).

    The cells are those of adaptive max pooling: cell i of n covers the pixels from floor(i H / n)
    up to ceil((i + 1) H / n), so cells may overlap, and repeat where the map is the smaller one.
    """
    # Not F.adaptive_max_pool2d: its gradient on CUDA differs from run to run.
    for axis in (-2, -1):
        length = x.shape[axis]
        bounds = [(i * length // size, -(-(i + 1) * length // size)) for i in range(size)]
        strips = [x.narrow(axis, low, high - low) for low, high in bounds]
        x = torch.cat([strip.amax(axis, keepdim=True) for strip in strips], dim=axis)
    return x


class SPP(nn.Module):
    """Spatial pyramid pooling, kept dense: max pooling to cells of several sizes, and the input.

    He et al. (2015), "Spatial Pyramid Pooling in Deep Convolutional Networks", section 2.2; laid
    back over the map as in Zhao et al. (2017), "Pyramid Scene Parsing Network", section 3.2.

    Args:
        channels: channels of the map.
        sizes: cells a side, one branch for each.
        branch_width: channels of a branch; None for a quarter of ``channels``.

    Raises:
        ValueError: a number is below 1, there are no sizes, or a quarter is asked of channels that
            do not divide by 4.
    """

    def __init__(
        self, channels: int, sizes: Sequence[int], branch_width: int | None = None
    ) -> None:
        super().__init__()
        check_all_positive("sizes", sizes)
        width = _branch_width(channels, branch_width)
        self.sizes = tuple(sizes)
        self.branches = nn.ModuleList(_cell_branch(channels, width) for _ in sizes)
        self.merge = ConvNormReLU(channels + len(sizes) * width, channels, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, channels, H, W) to the same shape."""
        maps = [x]
        for size, branch in zip(self.sizes, self.branches, strict=True):
            maps.append(resample_like(branch(pool_to_cells(x, size)), x))
        merged: Tensor = self.merge(torch.cat(maps, dim=1))
        return merged


class ASPP(nn.Module):
    """Atrous spatial pyramid pooling: one map seen at several dilation rates and as a whole.

    Chen et al. (2017), "Rethinking Atrous Convolution for Semantic Image Segmentation",
    section 3.3 and equation 1.

    Args:
        channels: channels of the map.
        rates: dilation rates of the 3 x 3 convolutions, one branch for each.
        branch_width: channels of a branch; None for a quarter of ``channels``.

    Raises:
        ValueError: a number is below 1, there are no rates, or a quarter is asked of channels that
            do not divide by 4.
    """

    def __init__(
        self, channels: int, rates: Sequence[int], branch_width: int | None = None
    ) -> None:
        super().__init__()
        check_all_positive("rates", rates)
        width = _branch_width(channels, branch_width)
        self.branches = nn.ModuleList([ConvNormReLU(channels, width, kernel_size=1)])
        self.branches.extend(ConvNormReLU(channels, width, 3, dilation=rate) for rate in rates)
        self.whole = _cell_branch(channels, width)
        self.merge = ConvNormReLU((len(rates) + 2) * width, channels, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, channels, H, W) to the same shape."""
        maps = [branch(x) for branch in self.branches]
        # A mean over the axes, since adaptive pooling is not deterministic on CUDA; and expand,
        # since a single cell resampled bilinearly is that cell everywhere.
        maps.append(self.whole(x.mean(dim=(-2, -1), keepdim=True)).expand_as(maps[0]))
        merged: Tensor = self.merge(torch.cat(maps, dim=1))
        return merged


def repeated_aspp(
    channels: int, rates: Sequence[int], blocks: int, branch_width: int | None = None
) -> nn.Sequential:
    """Build ASPP blocks one after the other: Roy Chowdhury and Mirzaei's "repeated" ASPP.

    Args:
        channels: channels of the map.
        rates: dilation rates of every block.
        blocks: how many; 0 builds a bottom that does nothing, for an ablation.
        branch_width: channels of a branch; None for a quarter of ``channels``.

    Raises:
        ValueError: blocks is negative, or as ASPP says.
    """
    if blocks < 0:
        raise ValueError(f"blocks is {blocks}, expected a whole number from 0 (no ASPP) up")
    return nn.Sequential(*(ASPP(channels, rates, branch_width) for _ in range(blocks)))


def _branch_width(channels: int, branch_width: int | None) -> int:
    check_positive("channels", channels)
    if branch_width is None:
        if channels % 4:
            raise ValueError(
                f"channels is {channels}, expected a multiple of 4 where branch_width is None, a "
                "quarter (in a network, the last entry of widths)"
            )
        return channels // 4
    check_positive("branch_width", branch_width)
    return branch_width


def _cell_branch(channels: int, width: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, width, kernel_size=1), nn.ReLU())
