"""Start-up: how long a command takes before it does anything."""

import subprocess
import sys
from collections.abc import Callable
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from benchmarks.utils.measuring import ROOT, alternate
from benchmarks.utils.rows import Row, bound_row

BARE_IMPORT = ["-c", "import torch, lightning"]
WITHOUT_TORCH = {
    "`--help`": ["main.py", "--help"],
    "`--version`": ["main.py", "--version"],
    "a misspelt command": ["main.py", "fitt"],
    "imports of a `prepare` worker": ["-c", "import data_modules.cache.memmap_writer"],
    "`report --help-all`": ["main.py", "report", "--help-all"],
    "`fit --help`": ["main.py", "fit", "--help"],
    "`report` of a folder without runs": ["main.py", "report", "{empty}"],
}
WITH_TORCH = {
    "`fit --help-all`": ["main.py", "fit", "--help-all"],
    "an error in a config": [
        "main.py",
        "fit",
        "--config",
        "aspp_t1c.yaml",
        "--data.slices",
        "midle",
    ],
}


def measure() -> list[Row]:
    """Seconds of commands that need no torch; those that do, against its bare import."""
    with TemporaryDirectory() as empty:
        commands = [BARE_IMPORT, *WITHOUT_TORCH.values(), *WITH_TORCH.values()]
        workloads = [_workload([word.format(empty=empty) for word in words]) for words in commands]
        bare, *others = alternate(*workloads)
    without, with_torch = others[: len(WITHOUT_TORCH)], others[len(WITHOUT_TORCH) :]
    return [
        Row("`import torch, lightning`", f"{median(bare):.2f} s"),
        *(
            bound_row(command, median(seconds), "s", at_most=0.5)
            for command, seconds in zip(WITHOUT_TORCH, without, strict=True)
        ),
        *(
            _ratio_to_import(command, seconds, bare)
            for command, seconds in zip(WITH_TORCH, with_torch, strict=True)
        ),
    ]


def _ratio_to_import(command: str, seconds: list[float], bare: list[float]) -> Row:
    ratios = [ours / theirs for ours, theirs in zip(seconds, bare, strict=True)]
    result = f"{min(ratios):.2f} / {median(ratios):.2f} / {max(ratios):.2f} times"
    result += f" ({median(seconds):.2f} s)"
    goal = "at most 1.15 times"
    return Row(f"{command}, against that import", result, goal, median(ratios) <= 1.15)


def _workload(command: list[str]) -> Callable[[], float]:
    def run() -> float:
        start = perf_counter()
        subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, check=False)
        return perf_counter() - start

    return run
