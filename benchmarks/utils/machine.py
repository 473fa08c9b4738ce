"""The machine and the library versions of a measurement, in one line."""

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "torch",
    "lightning",
    "torchmetrics",
    "monai",
    "numpy",
    "SimpleITK",
    "onnxruntime",
    "openvino",
)
INSTRUCTION_SETS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")


def describe_machine() -> str:
    """CPU, number of cores, memory, GPU if there is one, and versions."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    parts = [f"{_cpu()}, {cores} cores{_memory()}"]
    if gpu := _gpu():
        parts.append(gpu)
    parts.append(f"{platform.system()}, Python {platform.python_version()}")
    parts += [f"{package} {number}" for package in PACKAGES if (number := _version(package))]
    return ", ".join(parts)


def _cpu() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    fields = {
        line.split(":")[0].strip(): line.split(":", 1)[1].strip() for line in lines if ":" in line
    }
    name = fields.get("model name", platform.processor() or platform.machine())
    flags = fields.get("flags", "").split()
    supported = [name for name in INSTRUCTION_SETS if name in flags]
    return f"{name} ({', '.join(supported)})" if supported else name


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
