"""Mirroring slices left to right."""

import numpy as np
import torch
from torch import Tensor

from data_modules.augmentation.transform import Transform


class HorizontalFlip(Transform):
    """Mirror a slice left to right with probability one half."""

    def draw(self, rng: np.random.Generator) -> bool:
        """Whether to mirror a sample."""
        return bool(rng.random() < 0.5)

    def forward(self, image: Tensor, labels: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """Mirror the samples whose parameter is true."""
        return (
            torch.where(parameters[:, None, None, None], image.flip(-1), image),
            torch.where(parameters[:, None, None], labels.flip(-1), labels),
        )
