"""The predicted masks of a test, kept until it has ended."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torchmetrics import Metric

_BITS = 8


class PredictedMasks(Metric):
    """Keeps the predicted masks of every slice, joined across devices by ``compute``.

    Eight pixels are packed into a byte on the device, so that a test does not wait for the host:
    7,200 bytes for a slice of 240 x 240 and class.
    """

    full_state_update = False
    samples: list[Tensor]
    packed: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.add_state("samples", default=[], dist_reduce_fx="cat")
        self.add_state("packed", default=[], dist_reduce_fx="cat")

    def update(self, prediction: Tensor, sample: Tensor) -> None:
        """Keep the masks of a batch.

        Args:
            prediction: bool (N, classes, H, W).
            sample: int64 (N,), the index of each slice in its split.
        """
        self.samples.append(sample)
        self.packed.append(_pack(prediction))

    def compute(self) -> "PackedMasks":
        """All masks, sorted by sample.

        Raises:
            RuntimeError: a sample came twice.
        """
        samples, packed = (
            torch.cat(state) if isinstance(state, list) else state
            for state in (self.samples, self.packed)
        )
        order = samples.argsort()
        samples = samples[order].cpu()
        if (samples[1:] == samples[:-1]).any():
            raise RuntimeError("a slice was counted twice")
        return PackedMasks(samples.numpy(), packed[order].cpu().numpy())


class PackedMasks:
    """Masks as bits.

    Args:
        samples: int64 (N,), ascending.
        packed: uint8 (N, classes, H, ceil(W / 8)), as ``numpy.packbits`` packs.
    """

    def __init__(self, samples: NDArray[np.int64], packed: NDArray[np.uint8]) -> None:
        self.samples = samples
        self._packed = packed

    def unpack(self, samples: Sequence[int] | NDArray[np.int64], width: int) -> NDArray[np.bool_]:
        """The masks of some samples, bool (N, classes, H, W)."""
        rows = np.searchsorted(self.samples, samples)
        return np.unpackbits(self._packed[rows], axis=-1, count=width).astype(np.bool_)


def _pack(mask: Tensor) -> Tensor:
    """Bits of bool (..., W) as uint8 (..., ceil(W / 8)), the first pixel in the highest bit."""
    if missing := -mask.shape[-1] % _BITS:
        mask = nn.functional.pad(mask, (0, missing))
    weights = torch.tensor([128, 64, 32, 16, 8, 4, 2, 1], dtype=torch.uint8, device=mask.device)
    bits = mask.reshape(*mask.shape[:-1], -1, _BITS)
    return (bits * weights).sum(-1, dtype=torch.uint8)
