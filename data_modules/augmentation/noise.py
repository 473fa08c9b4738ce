"""Gaussian noise, the same on every device."""

import math

import numpy as np
import torch
from torch import Tensor

from data_modules.augmentation.occasional import OccasionalTransform, Range, check_range, per_sample

_SEEDS = 2**24  # whole numbers that float32 holds exactly
_WORD = 0xFFFFFFFF


class Noise(OccasionalTransform):
    """Add Gaussian noise to the brain.

    The noise of a pixel is a hash of the sample's seed and the pixel's index: generators of torch
    give other numbers on other devices.

    Args:
        deviation: Range of its standard deviation; images have a deviation of 1.
        probability: That a sample is changed.
    """

    def __init__(self, deviation: Range = (0.0, 0.3), probability: float = 0.1) -> None:
        super().__init__(probability)
        check_range("deviation", deviation, 0)
        self.deviation = deviation

    def draw_changed(self, rng: np.random.Generator) -> list[float]:
        """The deviation, and the seed of the noise."""
        return [rng.uniform(*self.deviation), float(rng.integers(_SEEDS))]

    def forward(self, image: Tensor, labels: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """Add the noise."""
        noise = _normal(parameters[:, 1].to(torch.int64), image[0].numel()).view_as(image)
        noisy = image + per_sample(parameters[:, 0]) * noise
        return torch.where(image != 0, noisy, 0.0), labels


def _normal(seeds: Tensor, number: int) -> Tensor:
    """Normally distributed numbers, float32 (N, number), by Box and Muller (1958)."""
    index = torch.arange(2 * number, device=seeds.device) + 1
    words = _hashed(_hashed(seeds)[:, None] ^ index)
    uniform = (words.float() + 0.5) / (_WORD + 1)
    radius, angle = uniform[:, :number], uniform[:, number:]
    return torch.sqrt(-2 * torch.log(radius)) * torch.cos(2 * math.pi * angle)


def _hashed(words: Tensor) -> Tensor:
    """32-bit words, int64, mixed by C. Wellons' lowbias32 (nullprogram.com/blog/2018/07/31)."""
    words = words ^ (words >> 16)
    words = (words * 0x7FEB352D) & _WORD
    words = words ^ (words >> 15)
    words = (words * 0x846CA68B) & _WORD
    return words ^ (words >> 16)
