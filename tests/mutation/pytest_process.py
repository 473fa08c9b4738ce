"""Runs pytest in processes that are forked with the slow imports done."""

import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

# Importing these takes most of the time of a short test. None of them imports our modules.
_IMPORTS = (
    "torch", "lightning.pytorch", "torchmetrics", "scipy.stats", "SimpleITK", "nibabel",
    "matplotlib.pyplot", "jsonargparse", "sklearn.metrics",
)  # fmt: skip
_OPTIONS = (
    "-x", "-q", "-n", "0", "-p", "no:cacheprovider", "--hypothesis-seed", "0",
)  # fmt: skip

_context = get_context("forkserver")
_context.set_forkserver_preload(list(_IMPORTS))


def passes(tests: Sequence[str], log: Path, limit: float) -> bool:
    """Whether all tests pass, in time. Whatever they have started is killed in the end.

    Args:
        tests: files below the current folder, in the order in which they run.
        log: gets the output of pytest.
        limit: seconds after which the tests have failed.
    """
    process = _context.Process(target=_pytest, args=(list(tests), log))
    process.start()
    try:
        process.join(limit)
        return process.exitcode == 0
    finally:
        _kill(process)


def _pytest(tests: list[str], log: Path) -> None:
    os.setsid()
    sys.dont_write_bytecode = True
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(output, stream)
    code = pytest.main([*_OPTIONS, f"--basetemp={log.parent / 'tmp'}", *tests])
    sys.stdout.flush()
    os._exit(code)  # a thread that goes on must not keep the process


def _kill(process: BaseProcess) -> None:
    assert process.pid is not None
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.join()
