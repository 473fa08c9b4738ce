"""Timing workloads in alternation, and measuring a workload in its own process."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def alternate(
    *workloads: Callable[[], float], rounds: int = 5, warm_ups: int = 1
) -> tuple[list[float], ...]:
    """Run workloads one after the other, several times over.

    Comparing them round by round is robust: a drift in the machine's speed affects all workloads
    of a round alike.

    Args:
        workloads: each does its work once and returns the seconds that it took.
        rounds: how often each workload is timed.
        warm_ups: rounds before these that are not counted.

    Returns:
        The seconds of each workload, in the order of the rounds.
    """
    for _ in range(warm_ups):
        for workload in workloads:
            workload()
    seconds = [[workload() for workload in workloads] for _ in range(rounds)]
    return tuple(map(list, zip(*seconds, strict=True)))


def run_worker(
    module: str, *arguments: str, environment: Mapping[str, str] | None = None
) -> dict[str, float]:
    """Run ``python -m module arguments`` and return the figures that it printed last.

    Args:
        module: a module that ends with ``print_figures``.
        arguments: its arguments.
        environment: variables to set in addition to ours.

    Raises:
        RuntimeError: it failed; the message holds the end of its standard error.
    """
    output = run_process([sys.executable, "-m", module, *arguments], environment=environment or {})
    figures: dict[str, float] = json.loads(output.splitlines()[-1])
    return figures


def run_process(command: list[str], *, environment: Mapping[str, str] | None = None) -> str:
    """Run a command from the project's root and return its standard output.

    Raises:
        RuntimeError: it failed; the message holds the end of its standard error.
    """
    process = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{process.stderr[-3000:]}")
    return process.stdout


def print_figures(**figures: float) -> None:
    """Print a worker's figures as JSON on a line of their own, for ``run_worker``."""
    print("\n" + json.dumps(figures))
