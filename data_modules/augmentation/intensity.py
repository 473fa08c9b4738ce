"""Brightness, contrast and gamma: changes of intensities, pixel by pixel."""

import numpy as np
import torch
from torch import Tensor

from data_modules.augmentation.occasional import (
    OccasionalTransform,
    Range,
    check_probability,
    check_range,
    per_sample,
)

_SMALLEST_SPREAD = 1e-6  # of the intensities of a slice


class FactorTransform(OccasionalTransform):
    """A transform whose only parameter is a factor.

    Args:
        factor: Its range.
        probability: That a sample is changed.
    """

    def __init__(self, factor: Range = (0.75, 1.25), probability: float = 0.15) -> None:
        super().__init__(probability)
        check_range("factor", factor, 0)
        self.factor = factor

    def draw_changed(self, rng: np.random.Generator) -> float:
        """The factor."""
        return rng.uniform(*self.factor)


class Brightness(FactorTransform):
    """Multiply a slice by a random factor."""

    def forward(self, image: Tensor, labels: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """Multiply."""
        return image * per_sample(parameters), labels


class Contrast(FactorTransform):
    """Spread the intensities of the brain around their mean by a factor, within their range."""

    def forward(self, image: Tensor, labels: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """Spread the intensities, channel by channel."""
        brain = image != 0
        mean = _mean(image, brain)
        low, high = _range(image, brain)
        spread = (image - mean) * per_sample(parameters) + mean
        return torch.where(brain, spread.clamp(low, high), 0.0), labels


class Gamma(OccasionalTransform):
    """Raise the intensities of the brain, scaled to 0..1, to a power; mean and spread stay.

    Args:
        power: Its range.
        probability: That a sample is changed.
        inverted_probability: That the power acts on the inverted intensities of a changed sample.
    """

    def __init__(
        self,
        power: Range = (0.7, 1.5),
        probability: float = 0.3,
        inverted_probability: float = 0.25,
    ) -> None:
        super().__init__(probability)
        check_range("power", power, 0.01)
        check_probability("inverted_probability", inverted_probability)
        self.power = power
        self.inverted_probability = inverted_probability

    def draw_changed(self, rng: np.random.Generator) -> list[float]:
        """The power, and 1 or -1 if the intensities are inverted."""
        return [rng.uniform(*self.power), -1.0 if rng.random() < self.inverted_probability else 1.0]

    def forward(self, image: Tensor, labels: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """Raise to the power, channel by channel."""
        brain = image != 0
        power, sign = per_sample(parameters[:, 0]), per_sample(parameters[:, 1])
        signed = image * sign
        low, high = _range(signed, brain)
        scaled = ((signed - low) / (high - low).clamp_min(_SMALLEST_SPREAD)).clamp(0, 1)
        raised = scaled**power * sign
        mean, deviation = _moments(image, brain)
        mean_now, deviation_now = _moments(raised, brain)
        kept = (raised - mean_now) / deviation_now.clamp_min(_SMALLEST_SPREAD) * deviation + mean
        return torch.where(brain, kept, 0.0), labels


def _mean(image: Tensor, brain: Tensor) -> Tensor:
    """The mean over the brain, (N, C, 1, 1)."""
    pixels = brain.sum(dim=(-2, -1), keepdim=True).clamp_min(1)
    return torch.where(brain, image, 0.0).sum(dim=(-2, -1), keepdim=True) / pixels


def _moments(image: Tensor, brain: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation over the brain, (N, C, 1, 1) each."""
    mean = _mean(image, brain)
    return mean, _mean((image - mean) ** 2, brain).sqrt()


def _range(image: Tensor, brain: Tensor) -> tuple[Tensor, Tensor]:
    """Lowest and highest value in the brain, (N, C, 1, 1) each; 0 if there is no brain."""
    has_brain = brain.any(dim=-1, keepdim=True).any(dim=-2, keepdim=True)
    low = torch.where(brain, image, torch.inf).amin(dim=(-2, -1), keepdim=True)
    high = torch.where(brain, image, -torch.inf).amax(dim=(-2, -1), keepdim=True)
    return torch.where(has_brain, low, 0.0), torch.where(has_brain, high, 0.0)
