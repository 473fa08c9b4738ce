"""The layers in plain NumPy, written from their definitions: the reference for the networks."""

import math
from collections.abc import Mapping
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Array = NDArray[np.float64]
Weights = Mapping[str, Array]
Part = TypeVar("Part", bound=nn.Module)


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def ready(module: Part) -> tuple[Part, Weights]:
    """Set float64, eval mode and random norm statistics; return the module and its arrays."""
    generator = torch.Generator().manual_seed(1)
    module.double().eval()
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            assert part.running_mean is not None
            assert part.running_var is not None
            for values, mean in (
                (part.weight.data, 1),
                (part.bias.data, 0),
                (part.running_mean, 0),
                (part.running_var, 1),
            ):
                values.uniform_(mean - 0.4, mean + 0.4, generator=generator)
    return module, {name: value.numpy() for name, value in module.state_dict().items()}


def relu(x: Array) -> Array:
    return np.maximum(x, 0)


def atrous(x: Array, weight: Array, rate: int = 1) -> Array:
    """y[i] = sum over k of x[i + rate k] w[k], in two dimensions, with x zero outside the map."""
    batch, _, height, width = x.shape
    half = weight.shape[-1] // 2
    y = np.zeros((batch, len(weight), height, width))
    for i, j in np.ndindex(height, width):
        for a, b in np.ndindex(weight.shape[2:]):
            row, column = i + rate * (a - half), j + rate * (b - half)
            if 0 <= row < height and 0 <= column < width:
                y[:, :, i, j] += x[:, :, row, column] @ weight[:, :, a, b].T
    return y


def pointwise(x: Array, weights: Weights, name: str) -> Array:
    """A 1 x 1 convolution with bias."""
    product: Array = np.einsum("oc,nchw->nohw", weights[f"{name}.weight"][:, :, 0, 0], x)
    return product + weights[f"{name}.bias"][:, None, None]


def conv_norm_relu(x: Array, weights: Weights, name: str, rate: int = 1) -> Array:
    mean, variance, scale, shift = (
        weights[f"{name}.1.{key}"][:, None, None]
        for key in ("running_mean", "running_var", "weight", "bias")
    )
    y = atrous(x, weights[f"{name}.0.weight"], rate)
    return relu((y - mean) / np.sqrt(variance + 1e-5) * scale + shift)


def double_conv(x: Array, weights: Weights, name: str) -> Array:
    return conv_norm_relu(conv_norm_relu(x, weights, f"{name}.0"), weights, f"{name}.1")


def up_convolution(x: Array, weights: Weights, name: str) -> Array:
    """A transposed 2 x 2 convolution with stride 2: each pixel becomes 2 x 2 pixels."""
    weight = weights[f"{name}.weight"]
    batch, _, height, width = x.shape
    y = np.zeros((batch, weight.shape[1], 2 * height, 2 * width))
    for a, b in np.ndindex(2, 2):
        y[:, :, a::2, b::2] = np.einsum("co,nchw->nohw", weight[:, :, a, b], x)
    return y + weights[f"{name}.bias"][:, None, None]


def cells(x: Array, size: int) -> Array:
    """Cell i of n covers the pixels floor(i H / n) up to, not including, ceil((i + 1) H / n)."""
    height, width = x.shape[2:]
    y = np.zeros((*x.shape[:2], size, size))
    for i, j in np.ndindex(size, size):
        rows = slice(math.floor(i * height / size), math.ceil((i + 1) * height / size))
        columns = slice(math.floor(j * width / size), math.ceil((j + 1) * width / size))
        y[:, :, i, j] = x[:, :, rows, columns].max(axis=(2, 3))
    return y


def _interpolation(size: int, new_size: int) -> Array:
    matrix = np.zeros((new_size, size))
    for i in range(new_size):
        # Pixel centres are at half-integers; beyond the border, the edge value is repeated.
        position = max((i + 0.5) * size / new_size - 0.5, 0)
        low = math.floor(position)
        matrix[i, low] += 1 - (position - low)
        matrix[i, min(low + 1, size - 1)] += position - low
    return matrix


def bilinear(x: Array, height: int, width: int) -> Array:
    rows, columns = _interpolation(x.shape[2], height), _interpolation(x.shape[3], width)
    resampled: Array = np.einsum("ih,nchw,jw->ncij", rows, x, columns)
    return resampled


def attention(x: Array, gate: Array, weights: Weights, name: str) -> Array:
    """Oktay et al. (2018), equations 1 and 2, pixel by pixel of the coarser grid."""
    w_x, w_g, psi = (
        weights[f"{name}{key}.weight"][:, :, 0, 0] for key in ("from_skip", "from_gate", "psi")
    )
    b_g, b_psi = weights[f"{name}from_gate.bias"], weights[f"{name}psi.bias"]
    alpha = np.zeros((len(gate), 1, *gate.shape[2:]))
    for n, i, j in np.ndindex(len(gate), *gate.shape[2:]):
        inner = relu(w_x @ x[n, :, 2 * i, 2 * j] + w_g @ gate[n, :, i, j] + b_g)
        q = psi @ inner + b_psi
        alpha[n, :, i, j] = 1 / (1 + np.exp(-q))
    return bilinear(alpha, *x.shape[2:])
