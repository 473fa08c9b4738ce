"""A smooth change of brightness across a slice, as coils leave it."""

import numpy as np
import torch
from torch import Tensor

from data_modules.augmentation.occasional import OccasionalTransform, check_range

_POWERS = [(i, j) for i in range(4) for j in range(4 - i) if i + j]  # of x and y, up to the third


class BiasField(OccasionalTransform):
    """Multiply a slice by a smooth field: the exponential of a random cubic polynomial.

    Args:
        strength: Largest coefficient; 0.3 changes the brightness by up to about a third.
        probability: That a sample is changed.
    """

    def __init__(self, strength: float = 0.3, probability: float = 0.2) -> None:
        super().__init__(probability)
        check_range("strength", (0, strength), 0)
        self.strength = strength

    def draw_changed(self, rng: np.random.Generator) -> list[float]:
        """The coefficients."""
        coefficients: list[float] = rng.uniform(
            -self.strength, self.strength, len(_POWERS)
        ).tolist()
        return coefficients

    def forward(self, image: Tensor, labels: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """Multiply; the mean of the field is 1."""
        y, x = (torch.linspace(-1, 1, size, device=image.device) for size in image.shape[-2:])
        terms = torch.stack([x[None, :] ** i * y[:, None] ** j for i, j in _POWERS])
        field = torch.exp(torch.einsum("nk,khw->nhw", parameters, terms))
        field = field / field.mean(dim=(-2, -1), keepdim=True)
        return image * field[:, None], labels
