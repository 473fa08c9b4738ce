"""Timing workloads in alternation, and measuring a workload in its own process."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from time import process_time
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
# Environment of a process. A thread that waits for another spins, which counts as CPU time.
ONE_THREAD = {"OMP_NUM_THREADS": "1"}


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


def cpu_seconds(command: list[str], **options: Any) -> float:
    """Run a command; the CPU time of all its processes.

    Args:
        command: the program and its arguments.
        **options: of ``run_process``.

    Raises:
        RuntimeError: it failed; the message holds the end of its standard error.
    """
    measured = [sys.executable, str(ROOT / "benchmarks" / "utils" / "cpu_of_command.py"), *command]
    return float(run_process(measured, **options).splitlines()[-1])


def cpu_so_far() -> float:
    """CPU seconds of this process and of the processes that have ended below it."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return process_time() + used.ru_utime + used.ru_stime


def run_process(
    command: list[str],
    *,
    environment: Mapping[str, str] | None = None,
    root: Path = ROOT,
    codes: Collection[int] = (0,),
) -> str:
    """Run a command and return its standard output.

    Args:
        command: the program and its arguments.
        environment: variables to set in addition to ours.
        root: the folder to run it from.
        codes: the exit codes that are no failure.

    Raises:
        RuntimeError: it failed; the message holds the end of its standard error.
    """
    process = subprocess.run(
        command,
        cwd=root,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode not in codes:
        raise RuntimeError(f"{' '.join(command)} failed:\n{process.stderr[-3000:]}")
    return process.stdout


def print_figures(**figures: float) -> None:
    """Print a worker's figures as JSON on a line of their own, for ``run_worker``."""
    print("\n" + json.dumps(figures))
