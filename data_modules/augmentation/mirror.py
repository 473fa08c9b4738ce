"""Mirroring slices along both axes."""

import numpy as np
import torch
from torch import Tensor

from data_modules.augmentation.occasional import check_probability, per_sample
from data_modules.augmentation.transform import Transform


class Mirror(Transform):
    """Mirror a slice left to right, front to back, or both; an independent coin for each axis.

    Args:
        probability: Of each axis.
    """

    def __init__(self, probability: float = 0.5) -> None:
        super().__init__()
        check_probability("probability", probability)
        self.probability = probability

    def draw(self, rng: np.random.Generator) -> list[bool] | None:
        """Whether to mirror a sample along height and width."""
        axes: list[bool] = (rng.random(2) < self.probability).tolist()
        return axes if any(axes) else None

    def forward(self, image: Tensor, labels: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """Mirror the samples along the axes whose parameter is true."""
        for axis, chosen in ((-2, parameters[:, 0]), (-1, parameters[:, 1])):
            image = torch.where(per_sample(chosen), image.flip(axis), image)
            labels = torch.where(chosen[:, None, None], labels.flip(axis), labels)
        return image, labels
