"""The precision of cpu.yaml: bfloat16 if the CPU has instructions for it, else float32."""

from typing import Literal

import torch

from callbacks.native_precision import native_precision

HAS_BFLOAT16 = native_precision("bf16-mixed", "cpu") == "bf16-mixed"
PRECISION: Literal["bf16-mixed", "32-true"] = "bf16-mixed" if HAS_BFLOAT16 else "32-true"
NAME = "bfloat16" if HAS_BFLOAT16 else "float32"
# The precision is typed, because the earlier program would emulate bfloat16.
CPU_YAML = ["--config", "cpu.yaml", "--trainer.precision", PRECISION]


def autocast(*, enabled: bool = True) -> torch.autocast:
    """Convolutions in that precision, in code without a Trainer."""
    return torch.autocast("cpu", torch.bfloat16, enabled=enabled and HAS_BFLOAT16)
