"""The most memory that this process and its children held at once."""

import ctypes
import gc
import math
import os
import platform
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Self

_EVERY = 0.02  # s


class PeakMemory:
    """Looks again and again while it is held (``with PeakMemory() as peak:``).

    Counted is what processes allocate. Pages of a mapped file are left out: they are the system's,
    which drops them when it needs room. What one look alone saw does not count: a child that has
    not yet begun its own program still shows its parent's memory.

    Attributes:
        mebibytes: the most at once; NaN where the system has no /proc.
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
        before = self.mebibytes
        while not self._done.wait(_EVERY):
            now = _allocated()
            self.mebibytes = max(self.mebibytes, min(before, now))
            before = now


def own_mebibytes() -> float:
    """What this process alone holds now; NaN where the system has no /proc."""
    own = _of(os.getpid())
    return math.nan if own is None else own


def give_back_freed_memory() -> None:
    """Let glibc give what is free back to the system, so that only what is held is counted."""
    gc.collect()
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)


def _allocated() -> float:
    return own_mebibytes() + sum(_of(child) or 0 for child in _children())


def _children() -> list[int]:
    try:
        return [
            int(child)
            for listed in Path("/proc/self/task").glob("*/children")
            for child in listed.read_text().split()
        ]
    except OSError:
        return []


def _of(process: int) -> float | None:
    """Mebibytes of a process; None where it is gone, or the system does not tell."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return None
    sizes = [int(line.split()[1]) for line in lines if line.startswith(("RssAnon", "RssShmem"))]
    return sum(sizes) / 1024
