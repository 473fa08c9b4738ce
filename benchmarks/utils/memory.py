"""Memory allocated by this process and its children."""

import ctypes
import gc
import math
import os
import platform
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Self

_INTERVAL = 0.02  # s


class PeakMemory:
    """Samples the allocated memory in a ``with`` block: ``with PeakMemory() as peak: ...``.

    Pages of mapped files are not counted: they belong to the operating system, which drops them
    when it needs memory. A value counts only if two samples in a row reach it: a child that has
    not yet started its own program still shows its parent's memory.

    Attributes:
        mebibytes: the peak so far; NaN on a system without /proc.
    """

    def __init__(self) -> None:
        self.mebibytes = _allocated()
        self._done = Event()
        self._thread = Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        previous = self.mebibytes
        while not self._done.wait(_INTERVAL):
            current = _allocated()
            self.mebibytes = max(self.mebibytes, min(previous, current))
            previous = current


def process_mebibytes() -> float:
    """What this process without its children has allocated; NaN on a system without /proc."""
    allocated = _allocated_by(os.getpid())
    return math.nan if allocated is None else allocated


def release_freed_memory() -> None:
    """Make glibc return freed memory to the system, so that only memory in use is counted."""
    gc.collect()
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)


def _allocated() -> float:
    return process_mebibytes() + sum(_allocated_by(child) or 0 for child in _children())


def _children() -> list[int]:
    try:
        return [
            int(child)
            for children in Path("/proc/self/task").glob("*/children")
            for child in children.read_text().split()
        ]
    except OSError:
        return []


def _allocated_by(process: int) -> float | None:
    """Mebibytes of a process; None if it has ended or the system has no /proc."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return None
    sizes = [int(line.split()[1]) for line in lines if line.startswith(("RssAnon", "RssShmem"))]
    return sum(sizes) / 1024
