"""The rows of many batches in few tensors."""

import torch
from torch import Tensor


def append_rows(parts: list[Tensor], rows: Tensor) -> None:
    """Append rows to a state of a metric, which then has tensors of decreasing length.

    If a small tensor of every batch were kept by itself, it would be allocated in what the images
    of the batch leave, where those of the next then do not fit: the memory of a test would grow as
    if it kept all images.

    Args:
        parts: the rows so far; changed.
        rows: those of a batch, (N, ...).
    """
    parts.append(rows)
    while len(parts) > 1 and len(parts[-1]) >= len(parts[-2]):
        last = parts.pop()
        parts[-1] = torch.cat([parts[-1], last])
