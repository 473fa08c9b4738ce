"""Further processes of ``reproduce`` on this machine, which share its trainings."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from data_modules.utils.process_pool import cores
from lightning_app.utils.next_command import MAIN
from lightning_app.utils.parent_process import PARENT_VARIABLE, parent_variable
from lightning_app.utils.text import print_lines

COMPANION = "--companion"  # says that a process is one: it writes no report
_THREADS = "OMP_NUM_THREADS"
_EXPECTED_CODES = (0, 1, -signal.SIGTERM, 128 + signal.SIGTERM)  # 1: an experiment failed


@contextmanager
def companions(jobs: int, arguments: Sequence[str], folder: Path) -> Iterator[None]:
    """Let further processes share the trainings of this one until the end of a block.

    Each process, this one too, uses its share of the cores. A companion prints into a file, and
    ends with this process, even if that is killed.

    Args:
        jobs: how many processes work, this one included.
        arguments: the options of ``reproduce``.
        folder: of the files ``reproduce-2.log`` and so on; it is made.
    """
    if jobs == 1:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    logs = [folder / f"reproduce-{number}.log" for number in range(2, jobs + 1)]
    with _threads(max(1, cores() // jobs)):
        _announce(jobs, logs)
        processes = [_start(arguments, log) for log in logs]
        try:
            yield
        finally:
            _end(processes, logs)


@contextmanager
def _threads(number: int) -> Iterator[None]:
    """Let processes that are started use so many threads, unless the user has chosen."""
    if _THREADS in os.environ:
        yield
        return
    os.environ[_THREADS] = str(number)
    try:
        yield
    finally:
        del os.environ[_THREADS]


def _announce(jobs: int, logs: Sequence[Path]) -> None:
    files = f"'{logs[0]}'" if len(logs) == 1 else f"'{logs[0]}' to '{logs[-1].name}'"
    print_lines(
        f"{jobs} experiments at a time, threads of each: {os.environ[_THREADS]}. What is not shown "
        f"here is in {files}"
    )


def _start(arguments: Sequence[str], log: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, str(MAIN), "reproduce", *arguments, "--jobs", "1", COMPANION]
    environment = {**os.environ, PARENT_VARIABLE: parent_variable(signal.SIGTERM)}
    with log.open("wb") as output:
        return subprocess.Popen(command, env=environment, stdout=output, stderr=output)


def _end(processes: Sequence["subprocess.Popen[bytes]"], logs: Sequence[Path]) -> None:
    """Stop the companions and wait for them. All that is left to them is to see that none is."""
    for process in processes:
        process.terminate()
    for process, log in zip(processes, logs, strict=True):
        if (code := process.wait()) not in _EXPECTED_CODES:
            print_lines(f"A further process ended early, with {code}: see '{log}'", file=sys.stderr)
