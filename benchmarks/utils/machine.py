"""The machine and the versions that figures were taken with, in one line."""

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("torch", "lightning", "torchmetrics", "monai", "numpy", "SimpleITK")


def machine() -> str:
    """Processor, cores, memory, GPU where there is one, and versions."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    parts = [f"{_processor()}, {cores} cores{_memory()}"]
    if gpu := _gpu():
        parts.append(gpu)
    parts.append(f"{platform.system()}, Python {platform.python_version()}")
    parts += [f"{package} {found}" for package in PACKAGES if (found := _version(package))]
    return ", ".join(parts)


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    lines = described.read_text().splitlines() if described.is_file() else []
    fields = {
        line.split(":")[0].strip(): line.split(":", 1)[1].strip() for line in lines if ":" in line
    }
    name = fields.get("model name", platform.processor() or platform.machine())
    wide = [flag for flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
            if flag in fields.get("flags", "").split()]  # fmt: skip
    return f"{name} ({', '.join(wide)})" if wide else name


def _memory() -> str:
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return ""
    return f", {size / 2**30:.0f} GiB"


def _gpu() -> str:
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return ""
    name: str = torch.cuda.get_device_name()
    return name


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
