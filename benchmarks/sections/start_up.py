"""How long a command takes before it does anything.

python -m benchmarks.sections.start_up
"""

import argparse
import subprocess
import sys
from collections.abc import Callable
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from benchmarks.utils.measuring import ROOT, Row, bound_row, in_turns, show

LIBRARIES = ("-c", "import torch, lightning")
QUICK = {
    "`--help`": ("main.py", "--help"),
    "`--version`": ("main.py", "--version"),
    "a misspelt command": ("main.py", "fitt"),
    "what a process of `prepare` that reads files imports": (
        "-c",
        "import data_modules.cache.memmap_writer",
    ),
    "`report --help`": ("main.py", "report", "--help"),
    "`report` of a folder without runs": ("main.py", "report", "{empty}"),
}
AFTER_IMPORT = {
    "`fit --help`": ("main.py", "fit", "--help"),
    "an error in a config": (
        "main.py",
        "fit",
        "--config",
        "aspp_t1c.yaml",
        "--data.slices",
        "midle",
    ),
}
TURNS = 5


def measure() -> list[Row]:
    """Commands that need no torch in seconds, those that do against the bare import of it."""
    with TemporaryDirectory() as empty:
        commands = [LIBRARIES, *QUICK.values(), *AFTER_IMPORT.values()]
        sides = [_seconds([word.format(empty=empty) for word in one]) for one in commands]
        libraries, *others = in_turns(*sides, turns=TURNS)
    quick, after = others[: len(QUICK)], others[len(QUICK) :]
    return [
        Row("`import torch, lightning`", f"{median(libraries):.2f} s"),
        *(bound_row(w, median(s), "s", at_most=0.5) for w, s in zip(QUICK, quick, strict=True)),
        *(_beside(w, s, libraries) for w, s in zip(AFTER_IMPORT, after, strict=True)),
    ]


def _beside(what: str, seconds: list[float], libraries: list[float]) -> Row:
    ratios = [own / bare for own, bare in zip(seconds, libraries, strict=True)]
    found = f"{min(ratios):.2f} / {median(ratios):.2f} / {max(ratios):.2f} times"
    found += f" ({median(seconds):.2f} s)"
    return Row(f"{what}, of that import", found, "at most 1.15 times", median(ratios) <= 1.15)


def _seconds(command: list[str]) -> Callable[[], float]:
    def once() -> float:
        began = perf_counter()
        subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, check=False)
        return perf_counter() - began

    return once


def main() -> None:
    """Measure and print."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    show(measure())


if __name__ == "__main__":
    main()
