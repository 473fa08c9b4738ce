"""Float32 instead of half precisions that a device emulates."""

import platform
from typing import Any

import torch

_FLOAT32 = "32-true"
_BFLOAT16 = ("bf16-mixed", "bf16-true", "bf16")
_HALF = (*_BFLOAT16, "16-mixed", "16-true", "16")
_X86 = ("x86_64", "AMD64")  # on Linux and macOS, on Windows


def native_precision(precision: Any, accelerator: Any) -> Any:
    """A precision for which the device has instructions.

    Args:
        precision: of a trainer.
        accelerator: of a trainer.

    Returns:
        32-true instead of a half precision that the device emulates, which takes several times as
        long; else the precision as it is.
    """
    is_emulated = _is_emulated(str(precision), _device_type(accelerator))
    return _FLOAT32 if is_emulated else precision


def _is_emulated(precision: str, device: str) -> bool:
    if device == "cuda":
        has_bfloat16 = torch.cuda.is_bf16_supported(including_emulation=False)
        return precision in _BFLOAT16 and not has_bfloat16
    # On x86 torch has fast convolutions in bfloat16 for AVX-512 alone, and Lightning takes
    # bfloat16 for 16-mixed. Other processors were not measured.
    is_x86 = device == "cpu" and platform.machine() in _X86
    has_half = torch.backends.cpu.get_cpu_capability() == "AVX512"
    return precision in _HALF and is_x86 and not has_half


def _device_type(accelerator: Any) -> str:
    """Of the device that Lightning takes; empty if it is neither a CPU nor a GPU of CUDA."""
    if accelerator == "cpu":
        return "cpu"
    if accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available():
        return "cuda"
    is_left = accelerator == "auto" and not torch.backends.mps.is_available()
    return "cpu" if is_left else ""
