"""The predicted masks of a test, kept until it has ended."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torchmetrics import Metric

from data_modules.utils.row_list import append_rows

_BITS = 8


class PredictedMasks(Metric):
    """Keeps the predicted masks of every slice, joined across devices by ``compute``.

    Eight pixels are packed into a byte on the device, so that a test does not wait for the host:
    7,200 bytes for a slice of 240 x 240 and class.

    Attributes:
        frame: Height and width in whose top left corner smaller masks are kept, since batches may
            differ in size; None to keep masks as they are.
    """

    full_state_update = False
    samples: list[Tensor]
    packed: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.frame: tuple[int, int] | None = None
        self.add_state("samples", default=[], dist_reduce_fx="cat")
        self.add_state("packed", default=[], dist_reduce_fx="cat")

    def update(self, prediction: Tensor, sample: Tensor) -> None:
        """Keep the masks of a batch.

        Args:
            prediction: bool (N, classes, H, W).
            sample: int64 (N,), the index of each slice in its split.
        """
        append_rows(self.samples, sample)
        masks = prediction if self.frame is None else _in_corner(prediction, self.frame)
        append_rows(self.packed, _pack(masks))

    def compute(self) -> "PackedMasks":
        """All masks, sorted by sample.

        Each batch is copied from the device to its rows on the host, so that the masks are in
        memory once more, and on the device not again.

        Raises:
            RuntimeError: a sample came twice.
        """
        samples = np.concatenate([part.cpu().numpy() for part in _parts(self.samples)])
        ordered, rows = np.unique(samples, return_inverse=True)
        if len(ordered) < len(samples):
            raise RuntimeError("a slice was counted twice")
        batches = _parts(self.packed)
        packed = np.empty((len(samples), *batches[0].shape[1:]), np.uint8)
        ends = np.cumsum([len(batch) for batch in batches])
        for batch, end in zip(batches, ends, strict=True):
            packed[rows[end - len(batch) : end]] = batch.cpu().numpy()
        return PackedMasks(ordered, packed)


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

    def copy(self) -> "PackedMasks":
        """The same masks, which can be replaced without changing these."""
        return PackedMasks(self.samples, self._packed.copy())

    def replace(self, samples: Sequence[int] | NDArray[np.int64], masks: NDArray[np.bool_]) -> None:
        """Replace the masks of some samples by others, bool (N, classes, H, W)."""
        self._packed[np.searchsorted(self.samples, samples)] = np.packbits(masks, axis=-1)


def _parts(state: list[Tensor] | Tensor) -> list[Tensor]:
    """The batches of a state, which torchmetrics joins when it gathers several devices."""
    return state if isinstance(state, list) else [state]


def _in_corner(masks: Tensor, size: tuple[int, int]) -> Tensor:
    """Masks (N, classes, h, w) in the top left corner of empty ones (N, classes, *size)."""
    height, width = size
    missing = (0, width - masks.shape[3], 0, height - masks.shape[2])
    return nn.functional.pad(masks, missing) if any(missing) else masks


def _pack(mask: Tensor) -> Tensor:
    """Bits of bool (..., W) as uint8 (..., ceil(W / 8)), the first pixel in the highest bit."""
    if missing := -mask.shape[-1] % _BITS:
        mask = nn.functional.pad(mask, (0, missing))
    shifts = torch.arange(_BITS - 1, -1, -1, dtype=torch.uint8, device=mask.device)
    bits = mask.reshape(*mask.shape[:-1], -1, _BITS)
    return (bits << shifts).sum(-1, dtype=torch.uint8)
