"""Recognising that memory ran out."""

import torch

_CPU_MESSAGES = ("can't allocate memory", "not enough memory")  # of a plain RuntimeError


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that a device or the host ran out of memory."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(
        message in str(error) for message in _CPU_MESSAGES
    )
