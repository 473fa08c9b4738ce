"""Pretends to another processor."""

import platform

import pytest
import torch


def pretend_processor(
    monkeypatch: pytest.MonkeyPatch,
    capability: str,
    architecture: str = "x86_64",
    gpu: int | None = None,
) -> None:
    """Let torch find another processor.

    Args:
        monkeypatch: undoes it.
        capability: the newest instructions of the CPU, such as AVX2.
        architecture: of the CPU.
        gpu: major number of the compute capability of a GPU; None if there is none.
    """
    monkeypatch.setattr(platform, "machine", lambda: architecture)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu is not None)
    # As torch decides it.
    has_bfloat16 = gpu is not None and gpu >= 8
    monkeypatch.setattr(
        torch.cuda,
        "is_bf16_supported",
        lambda including_emulation=True: including_emulation or has_bfloat16,
    )
