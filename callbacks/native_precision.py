"""Float32 instead of bfloat16 for devices without instructions for bfloat16."""

import platform
from typing import Any

import torch

_BFLOAT16, _FLOAT32 = "bf16-mixed", "32-true"
_X86 = ("x86_64", "AMD64")  # on Linux and macOS, on Windows


def native_precision(precision: Any, accelerator: Any) -> Any:
    """A precision for which the device has instructions.

    Args:
        precision: of a trainer.
        accelerator: of a trainer.

    Returns:
        32-true instead of bf16-mixed if the device emulates bfloat16, which takes several times as
        long; else the precision as it is.
    """
    is_emulated = precision == _BFLOAT16 and _emulates_bfloat16(accelerator)
    return _FLOAT32 if is_emulated else precision


def _emulates_bfloat16(accelerator: Any) -> bool:
    if _device_type(accelerator) == "cuda":
        return not torch.cuda.is_bf16_supported(including_emulation=False)
    # torch has fast convolutions in bfloat16 for AVX-512 alone. Other processors are left as they
    # are: what torch does on them was not measured.
    is_x86_cpu = _device_type(accelerator) == "cpu" and platform.machine() in _X86
    return is_x86_cpu and torch.backends.cpu.get_cpu_capability() != "AVX512"


def _device_type(accelerator: Any) -> str:
    """Of the device that Lightning takes; empty if it is neither a CPU nor a GPU of CUDA."""
    if accelerator == "cpu":
        return "cpu"
    if accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available():
        return "cuda"
    is_left = accelerator == "auto" and not torch.backends.mps.is_available()
    return "cpu" if is_left else ""
