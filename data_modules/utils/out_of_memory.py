"""How PyTorch says that memory has run out."""

import torch

_ON_THE_CPU = ("can't allocate memory", "not enough memory")  # a bare RuntimeError


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a device or the machine had too little memory."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _ON_THE_CPU)
