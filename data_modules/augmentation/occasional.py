"""Transforms that change a sample with some probability."""

from abc import abstractmethod

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor

from data_modules.augmentation.transform import Transform

Range = tuple[float, float]


class OccasionalTransform(Transform):
    """A transform that leaves a sample as it is unless a coin says otherwise.

    Args:
        probability: That a sample is changed.

    Raises:
        ValueError: The probability is not from 0 to 1.
    """

    def __init__(self, probability: float) -> None:
        super().__init__()
        check_probability("probability", probability)
        self.probability = probability

    def draw(self, rng: np.random.Generator) -> ArrayLike | None:
        """The parameters of a sample; None if it stays as it is."""
        return self.draw_changed(rng) if rng.random() < self.probability else None

    @abstractmethod
    def draw_changed(self, rng: np.random.Generator) -> ArrayLike:
        """The parameters of a sample that is changed."""


def per_sample(parameters: Tensor) -> Tensor:
    """Numbers (N,) in a shape that is broadcast over images (N, C, H, W)."""
    return parameters[:, None, None, None]


def check_probability(name: str, value: float) -> None:
    """Raise ValueError unless a probability is from 0 to 1."""
    if not 0 <= value <= 1:
        raise ValueError(f"{name} is {value}, expected a number from 0 to 1")


def check_range(name: str, values: Range, lowest: float) -> None:
    """Raise ValueError unless a range ascends and begins at ``lowest`` or above."""
    low, high = values
    if not lowest <= low <= high < float("inf"):
        raise ValueError(
            f"{name} is {list(values)}, expected two ascending numbers from {lowest:g}"
        )
