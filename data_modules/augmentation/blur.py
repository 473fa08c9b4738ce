"""Blurring slices."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from data_modules.augmentation.occasional import OccasionalTransform, Range, check_range

_TRUNCATED_AT = 4.0  # standard deviations


class Blur(OccasionalTransform):
    """Blur the brain by a Gaussian; the background does not bleed into it.

    Args:
        sigma: Range of its standard deviation in pixels.
        probability: That a sample is changed.
    """

    def __init__(self, sigma: Range = (0.5, 1.0), probability: float = 0.2) -> None:
        super().__init__(probability)
        check_range("sigma", sigma, 0.1)
        self.sigma = sigma

    def draw_changed(self, rng: np.random.Generator) -> float:
        """The standard deviation."""
        return rng.uniform(*self.sigma)

    def forward(self, image: Tensor, labels: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """Blur image and brain, and divide one by the other."""
        radius = max(1, round(_TRUNCATED_AT * self.sigma[1]))
        offsets = torch.arange(-radius, radius + 1, device=image.device)
        kernels = torch.exp(-0.5 * (offsets / parameters[:, None]) ** 2)
        kernels = kernels / kernels.sum(dim=1, keepdim=True)
        brain = (image != 0).to(image.dtype)
        blurred, weight = (_convolved(values, kernels) for values in (image, brain))
        return torch.where(image != 0, blurred / weight.clamp_min(1e-6), 0.0), labels


def _convolved(image: Tensor, kernels: Tensor) -> Tensor:
    """Images (N, C, H, W) convolved along both axes with a kernel (N, K) each."""
    number, channels, height, width = image.shape
    weights = kernels.repeat_interleave(channels, dim=0)
    flat = image.reshape(1, number * channels, height, width)
    radius = kernels.shape[1] // 2
    for shape, padding in (
        ((-1, 1, 1, 2 * radius + 1), (0, radius)),
        ((-1, 1, 2 * radius + 1, 1), (radius, 0)),
    ):
        flat = functional.conv2d(
            flat, weights.reshape(shape), padding=padding, groups=number * channels
        )
    return flat.view_as(image)
