"""Bottlenecks of a U-Net: spatial pyramids, which keep the shape of a map.

Branches that pool have a bias and no batch normalisation. Pooled to a single cell, a batch of one
has one value per channel, and batch normalisation cannot be trained on that.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from models.blocks import (
    AtrousConv,
    ConvNormReLU,
    check_all_positive,
    check_positive,
    resample_like,
)

LARGEST_GRID = 256  # cells per side; a finer grid than the map only repeats its pixels
MOST_BLOCKS = 100  # of ASPP; the paper has 3


def pool_to_cells(x: Tensor, size: int) -> Tensor:
    """Max-pool x (N, C, H, W) adaptively to (N, C, size, size).

    Cell i of n covers the pixels from floor(i H / n) up to, but not including,
    ceil((i + 1) H / n). Cells may overlap, and they repeat if the map is smaller than the grid.
    """
    # Not F.adaptive_max_pool2d: its gradient is not deterministic on CUDA.
    for axis in (-2, -1):
        length = x.shape[axis]
        # Rounded up without negative numbers: ONNX divides towards zero, and length may be dynamic.
        bounds = [(i * length // size, ((i + 1) * length + size - 1) // size) for i in range(size)]
        strips = [x.narrow(axis, low, high - low) for low, high in bounds]
        x = torch.cat([strip.amax(axis, keepdim=True) for strip in strips], dim=axis)
    return x


class SPP(nn.Module):
    """Dense spatial pyramid pooling: the input, and its maxima on grids of several sizes.

    The pooling is from He et al. (2015), "Spatial Pyramid Pooling in Deep Convolutional Networks",
    section 2.2. Resampling the pooled maps to the input's size is from Zhao et al. (2017), "Pyramid
    Scene Parsing Network", section 3.2.

    Args:
        channels: channels of the map.
        sizes: grid sizes, in cells per side; each has its own branch.
        branch_width: channels of a branch; None for a quarter of ``channels``.

    Raises:
        ValueError: a number is below 1, a size is above 256, ``sizes`` is empty, or
            ``branch_width`` is None and ``channels`` is not a multiple of 4.
    """

    def __init__(
        self, channels: int, sizes: Sequence[int], branch_width: int | None = None
    ) -> None:
        super().__init__()
        check_all_positive("sizes", sizes)
        if max(sizes) > LARGEST_GRID:
            raise ValueError(f"sizes is {list(sizes)}, expected at most {LARGEST_GRID}")
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
    """Atrous spatial pyramid pooling: convolutions at several dilation rates, and a global mean.

    Chen et al. (2017), "Rethinking Atrous Convolution for Semantic Image Segmentation",
    section 3.3 and equation 1.

    Args:
        channels: channels of the map.
        rates: dilation rates of the 3 x 3 convolutions; each has its own branch.
        branch_width: channels of a branch; None for a quarter of ``channels``.

    Raises:
        ValueError: a number is below 1, ``rates`` is empty, or ``branch_width`` is None and
            ``channels`` is not a multiple of 4.
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
        # mean() because adaptive pooling is not deterministic on CUDA; expand_as() because
        # bilinear resampling of a single cell only repeats it.
        maps.append(self.whole(x.mean(dim=(-2, -1), keepdim=True)).expand_as(maps[0]))
        merged: Tensor = self.merge(torch.cat(maps, dim=1))
        return merged


class ASPPv2(nn.Module):
    """Atrous spatial pyramid pooling of DeepLab v2: a sum of branches at several dilation rates.

    Chen et al. (2016), "DeepLab: Semantic Image Segmentation with Deep Convolutional Nets, Atrous
    Convolution, and Fully Connected CRFs", section 3.2 and figure 7. A branch is a 3 x 3 atrous
    convolution and two of 1 x 1 (their fc6, fc7 and fc8), with ReLU between them; the sum has none.
    There is no normalisation, no image pooling and no 1 x 1 branch.

    Differences: fc8 maps back to ``channels``, not to classes, so that the block keeps the shape.
    The dropout after fc6 and fc7 is left out: no other network here has any, so a comparison would
    be about dropout too. Their fc6 and fc7 were pretrained; here the weights are drawn as in He et
    al. (2015), "Delving Deep into Rectifiers", equation 10, those of fc8 with half the variance,
    because no ReLU follows it, and all biases are 0. Torch's default draws are smaller: three
    blocks in series would leave 2 % or less of the variation between pixels.

    Args:
        channels: channels of the map.
        rates: dilation rates of the 3 x 3 convolutions; each has its own branch.
        branch_width: channels of a branch; None for a quarter of ``channels``.

    Raises:
        ValueError: a number is below 1, ``rates`` is empty, or ``branch_width`` is None and
            ``channels`` is not a multiple of 4.
    """

    def __init__(
        self, channels: int, rates: Sequence[int], branch_width: int | None = None
    ) -> None:
        super().__init__()
        check_all_positive("rates", rates)
        width = _branch_width(channels, branch_width)
        self.branches = nn.ModuleList(_fc_branch(channels, width, rate) for rate in rates)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, channels, H, W) to the same shape."""
        return torch.stack([branch(x) for branch in self.branches]).sum(dim=0)


def repeated_aspp(
    channels: int,
    *,
    block: type[ASPP | ASPPv2],
    rates: Sequence[int],
    blocks: int,
    branch_width: int | None = None,
) -> nn.Sequential:
    """Chain ASPP blocks: the "repeated" ASPP of Roy Chowdhury and Mirzaei.

    Args:
        channels: channels of the map.
        block: class of a block.
        rates: dilation rates of each block.
        blocks: number of blocks; 0 gives an identity, for an ablation.
        branch_width: channels of a branch; None for a quarter of ``channels``.

    Raises:
        ValueError: ``blocks`` is negative or above 100, or ``block`` rejects its arguments.
    """
    if not 0 <= blocks <= MOST_BLOCKS:
        raise ValueError(f"blocks is {blocks}, expected 0 (no ASPP) to {MOST_BLOCKS}")
    return nn.Sequential(*(block(channels, rates, branch_width) for _ in range(blocks)))


def _branch_width(channels: int, branch_width: int | None) -> int:
    check_positive("channels", channels)
    if branch_width is None:
        if channels % 4:
            raise ValueError(
                f"channels is {channels}, expected a multiple of 4, because branch_width None "
                "means a quarter of them (in a network, channels is the last entry of widths)"
            )
        return channels // 4
    check_positive("branch_width", branch_width)
    return branch_width


def _cell_branch(channels: int, width: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, width, kernel_size=1), nn.ReLU())


def _fc_branch(channels: int, width: int, rate: int) -> nn.Sequential:
    fc6 = AtrousConv(channels, width, kernel_size=3, padding=rate, dilation=rate)
    fc7 = nn.Conv2d(width, width, kernel_size=1)
    fc8 = nn.Conv2d(width, channels, kernel_size=1)
    nn.init.kaiming_normal_(fc6.weight, nonlinearity="relu")
    nn.init.kaiming_normal_(fc7.weight, nonlinearity="relu")
    nn.init.kaiming_normal_(fc8.weight, nonlinearity="linear")
    for convolution in (fc6, fc7, fc8):
        assert convolution.bias is not None
        nn.init.zeros_(convolution.bias)
    return nn.Sequential(fc6, nn.ReLU(), fc7, nn.ReLU(), fc8)
