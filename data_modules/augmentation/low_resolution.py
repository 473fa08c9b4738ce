"""Slices as a scanner of lower resolution has them."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from data_modules.augmentation.occasional import OccasionalTransform, Range, check_range


class LowResolution(OccasionalTransform):
    """Take fewer pixels of a slice, nearest to a coarser grid, and interpolate between them.

    Args:
        zoom: Range of the share of pixels along each axis.
        probability: That a sample is changed.
    """

    def __init__(self, zoom: Range = (0.5, 1.0), probability: float = 0.25) -> None:
        super().__init__(probability)
        check_range("zoom", zoom, 0.05)
        if zoom[1] > 1:
            raise ValueError(f"zoom is {list(zoom)}, expected numbers up to 1")
        self.zoom = zoom

    def draw_changed(self, rng: np.random.Generator) -> float:
        """The share of pixels along each axis."""
        return rng.uniform(*self.zoom)

    def forward(self, image: Tensor, labels: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """Interpolate between the four nearest pixels of the coarse grid."""
        rows, columns = (_neighbours(parameters, image.shape[axis]) for axis in (-2, -1))
        result = torch.zeros_like(image)
        for y, weight_y in rows:
            for x, weight_x in columns:
                shape = (len(x), y.shape[1], x.shape[1])
                grid = torch.stack(
                    [x[:, None, :].expand(shape), y[:, :, None].expand(shape)], dim=-1
                )
                value = functional.grid_sample(
                    image, grid, mode="nearest", padding_mode="border", align_corners=True
                )
                weight = weight_y[:, None, :, None] * weight_x[:, None, None, :]
                result = result + weight * value
        return torch.where(image != 0, result, 0.0), labels


def _neighbours(zoom: Tensor, size: int) -> list[tuple[Tensor, Tensor]]:
    """For the coarse pixels before and after each pixel: place (N, size), -1 to 1, and weight."""
    zoom = zoom[:, None]
    centres = (torch.arange(size, device=zoom.device) + 0.5) * zoom - 0.5
    before = centres.floor()
    share = centres - before
    places = (((coarse + 0.5) / zoom - 0.5).round() for coarse in (before, before + 1))
    scaled = (2 * place / max(size - 1, 1) - 1 for place in places)
    return list(zip(scaled, (1 - share, share), strict=True))
