"""The machine and the versions that a run ran on."""

import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

PACKAGES = ("brats-lightning", "torch", "lightning", "torchmetrics", "SimpleITK", "numpy")


def environment(device: torch.device) -> dict[str, Any]:
    """Versions, device, git state and command line."""
    return {
        "command": ["python", *sys.argv],
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: version(name) for name in PACKAGES},
        "device": _device_name(device),
        "threads": torch.get_num_threads(),
        "git": git_state(),
    }


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type} ({platform.processor() or platform.machine()})"


def git_state() -> dict[str, Any] | None:
    """Commit of the program, and whether files differ from it; None outside a repository."""
    folder = Path(__file__).resolve().parent

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()

    try:
        return {"commit": git("rev-parse", "HEAD"), "changed": bool(git("status", "--porcelain"))}
    except (OSError, subprocess.CalledProcessError):
        return None
