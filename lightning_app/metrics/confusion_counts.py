"""Counts tp, fp, fn and tn of each slice and class, batch by batch."""

import torch
from torch import Tensor, nn
from torchmetrics import Metric

from data_modules.utils.row_list import append_rows

PIXELS_IN_A_SUM = 64  # as bytes; up to 127 would fit


class SliceCounts(Metric):
    """Counts tp, fp, fn and tn of every slice and class, as whole numbers.

    ``compute`` gives int64 (slices, 1 + 4 classes): the sample's index, then the four counts of
    each class; sorted by sample, so that the result does not depend on the order of the batches or
    on the number of processes.
    """

    full_state_update = False
    rows: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.add_state("rows", default=[], dist_reduce_fx="cat")

    def update(self, prediction: Tensor, reference: Tensor, sample: Tensor) -> None:
        """Count a batch.

        Args:
            prediction: bool (N, classes, H, W).
            reference: bool (N, classes, H, W).
            sample: int64 (N,), the index of each slice in its split.
        """
        tp, predicted, positive = (
            count_pixels(mask) for mask in (prediction & reference, prediction, reference)
        )
        pixels = prediction.shape[2] * prediction.shape[3]
        tn = pixels - predicted - positive + tp
        counts = torch.stack([tp, predicted - tp, positive - tp, tn], dim=2)
        append_rows(self.rows, torch.cat([sample[:, None], counts.flatten(1)], dim=1))

    def compute(self) -> Tensor:
        """The rows of all batches, sorted by sample.

        Raises:
            RuntimeError: a sample was counted twice.
        """
        rows = torch.cat(self.rows) if isinstance(self.rows, list) else self.rows
        rows = rows[rows[:, 0].argsort()]
        if (rows[1:, 0] == rows[:-1, 0]).any():
            raise RuntimeError("a slice was counted twice")
        return rows


def count_pixels(mask: Tensor) -> Tensor:
    """The true pixels of every slice and class, int64 (N, classes).

    Eight pixels, a byte each, are added up as one whole number: a sum of bools would make eight
    bytes of every pixel first, and takes ten times as long.

    Args:
        mask: bool (N, classes, H, W).
    """
    pixels = mask.flatten(2)
    if missing := -pixels.shape[2] % PIXELS_IN_A_SUM:
        pixels = nn.functional.pad(pixels, (0, missing))
    words = pixels.contiguous().view(torch.int64)
    bytewise = words.reshape(*mask.shape[:2], PIXELS_IN_A_SUM // 8, -1).sum(2)
    # The product's highest byte is the sum of all eight bytes.
    counts: Tensor = ((bytewise * 0x0101010101010101) >> 56).sum(2)
    return counts
