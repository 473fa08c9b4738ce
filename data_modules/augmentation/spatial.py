"""Rotation, scaling and elastic deformation, with a single interpolation."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from data_modules.augmentation.occasional import Range, check_probability, check_range
from data_modules.augmentation.transform import Transform

_KNOTS = 8  # of the elastic field along each axis
_ANGLE, _SCALE, _AMPLITUDE, _FIELD = 0, 1, 2, 3  # in the parameters


class Spatial(Transform):
    """Rotate, scale and deform a slice about its centre; each with a probability of its own.

    Images are interpolated linearly, labels and the outline of the brain take the nearest pixel.
    What comes from outside the slice is background.

    Args:
        rotation: Largest angle in degrees, either way.
        rotation_probability: That a sample is rotated.
        scale: Range of the factor; above 1 the head is larger.
        scale_probability: That a sample is scaled.
        elastic: Largest displacement in pixels of an elastic deformation.
        elastic_probability: That a sample is deformed.

    Raises:
        ValueError: A range or a probability is impossible.
    """

    def __init__(
        self,
        rotation: float = 180.0,
        rotation_probability: float = 0.2,
        scale: Range = (0.7, 1.4),
        scale_probability: float = 0.2,
        elastic: float = 8.0,
        elastic_probability: float = 0.1,
    ) -> None:
        super().__init__()
        check_range("rotation", (0, rotation), 0)
        check_range("scale", scale, 0.1)
        check_range("elastic", (0, elastic), 0)
        for name, probability in (
            ("rotation_probability", rotation_probability),
            ("scale_probability", scale_probability),
            ("elastic_probability", elastic_probability),
        ):
            check_probability(name, probability)
        self.rotation, self.rotation_probability = rotation, rotation_probability
        self.scale, self.scale_probability = scale, scale_probability
        self.elastic, self.elastic_probability = elastic, elastic_probability

    def draw(self, rng: np.random.Generator) -> NDArray[np.float64] | None:
        """Angle in radians, factor, displacement and knots of a sample that is changed."""
        rotates, scales, deforms = rng.random(3) < (
            self.rotation_probability, self.scale_probability, self.elastic_probability,
        )  # fmt: skip
        angle = math.radians(rng.uniform(-self.rotation, self.rotation))
        factor = math.exp(rng.uniform(*np.log(self.scale)))
        amplitude = rng.uniform(0, self.elastic)
        knots = rng.uniform(-1, 1, 2 * _KNOTS**2)
        if not (rotates or scales or deforms):
            return None
        return np.array([angle * rotates, factor if scales else 1.0, amplitude * deforms, *knots])

    def forward(self, image: Tensor, labels: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """Sample images and labels where each pixel comes from."""
        grid = _sources(parameters, image.shape[-2], image.shape[-1])
        nearest = torch.cat([(image != 0).float(), labels[:, None].float()], dim=1)
        nearest = functional.grid_sample(nearest, grid, mode="nearest", align_corners=True)
        in_brain, masks = nearest[:, :-1] > 0, nearest[:, -1]
        warped = functional.grid_sample(image, grid, mode="bilinear", align_corners=True)
        return torch.where(in_brain, warped, 0.0), masks.to(labels.dtype)


def _sources(parameters: Tensor, height: int, width: int) -> Tensor:
    """Where each pixel comes from, (N, H, W, 2): x and y from -1 to 1."""
    device = parameters.device
    half = torch.tensor([width - 1, height - 1], device=device) / 2
    y, x = torch.meshgrid(
        torch.arange(height, device=device) - half[1],
        torch.arange(width, device=device) - half[0],
        indexing="ij",
    )
    angle, factor = parameters[:, _ANGLE, None, None], parameters[:, _SCALE, None, None]
    cosine, sine = torch.cos(angle) / factor, torch.sin(angle) / factor
    turned = torch.stack([cosine * x + sine * y, cosine * y - sine * x], dim=-1)
    return (turned + _displacement(parameters, height, width)) / half


def _displacement(parameters: Tensor, height: int, width: int) -> Tensor:
    """The elastic field in pixels, (N, H, W, 2); smooth between its knots."""
    knots = parameters[:, _FIELD:].reshape(-1, 2, _KNOTS, _KNOTS)
    rows, columns = (_cubic(size, parameters.device) for size in (height, width))
    field = rows @ knots @ columns.T  # ten times as fast as interpolating each field
    return field.permute(0, 2, 3, 1) * parameters[:, _AMPLITUDE, None, None, None]


def _cubic(size: int, device: torch.device) -> Tensor:
    """The weights of the knots in each pixel along an axis, (size, knots)."""
    knots = torch.eye(_KNOTS, device=device)[None, None]
    shape = (size, _KNOTS)
    return functional.interpolate(knots, shape, mode="bicubic", align_corners=True)[0, 0]
