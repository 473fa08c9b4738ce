"""CPU times from inside a command: to its first batch, and of its training steps and tests."""

import json
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.utils.measuring import ROOT, cpu_seconds

# The variable of ``benchmarks.profiling.cpu_clock``, whose import here would take seconds.
FOLDER = "BENCHMARK_CPU_TIMES"
CLOCK = ["--trainer.callbacks+", "cpu_clock.CpuClock"]  # options of fit; test uses the run's
TRUST = ["--trust", "cpu_clock"]


@dataclass(frozen=True)
class CpuTimes:
    """CPU seconds of a command.

    Attributes:
        total: of all its processes.
        first_batch: of its process until the first batch; NaN if it trained and tested nothing.
        epochs: of the training of each epoch.
        work: of steps, validation and test.
    """

    total: float
    first_batch: float
    epochs: list[float]
    work: float


def cpu_times(
    words: list[str], *, root: Path = ROOT, environment: Mapping[str, str] | None = None
) -> CpuTimes:
    """Run a command of the program with the clock, and return its times.

    Args:
        words: the command and its options. A ``fit`` needs ``CLOCK``, and every command ``TRUST``.
        root: the program to run.
        environment: variables to set in addition to ours.

    Raises:
        RuntimeError: it failed; the message holds the end of its standard error.
    """
    with TemporaryDirectory() as name:
        clock = Path(name) / "clock"
        clock.mkdir()
        shutil.copy(ROOT / "benchmarks" / "profiling" / "cpu_clock.py", clock)
        watched = {FOLDER: name, "PYTHONPATH": f"{clock}{os.pathsep}{_path()}"}
        command = [sys.executable, str(root / "main.py"), *words]
        total = cpu_seconds(command, environment={**(environment or {}), **watched}, root=root)
        return _joined(total, [json.loads(file.read_text()) for file in Path(name).glob("*.json")])


def _path() -> str:
    return os.environ.get("PYTHONPATH", "")


def _joined(total: float, processes: list[Mapping[str, Any]]) -> CpuTimes:
    first = min((float(times["first_batch"]) for times in processes), default=float("nan"))
    epochs = [seconds for times in processes for seconds in times["epochs"]]
    return CpuTimes(total, first, epochs, sum(times["work"] for times in processes))
