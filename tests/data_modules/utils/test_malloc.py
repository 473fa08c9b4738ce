"""Memory that is freed and asked for again comes without the kernel's help."""

import ctypes
import os
import platform
import subprocess
import sys

import pytest

from data_modules.utils.malloc import keep_freed_memory

FAULTS = """
import resource
from data_modules.utils.malloc import keep_freed_memory
{before}
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
b = bytearray(1 << 27)
del b
begun = faults()
for _ in range(4):
    b = bytearray(b"x") * (1 << 27)
    del b
print(faults() - begun)
"""


def faults(before: str, **environment: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", FAULTS.format(before=before)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_a_large_block_is_reused() -> None:
    pages = 4 * (1 << 27) // os.sysconf("SC_PAGE_SIZE")
    assert faults("keep_freed_memory()") < pages / 3
    assert faults("pass") > pages / 2
    assert faults("keep_freed_memory()", MALLOC_ARENA_MAX="4") > pages / 2  # the user's own tuning


END_OF_THE_HEAP = """
import ctypes
from data_modules.utils.malloc import keep_freed_memory
keep_freed_memory()
end = ctypes.CDLL(None).sbrk
end.restype = ctypes.c_void_p
blocks = [bytearray(900 << 20) for _ in range(3)]  # never touched, so they cost no memory
reached = end(0)
del blocks
print(reached - end(0))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_a_step_of_gigabytes_is_kept_too() -> None:
    done = subprocess.run(
        [sys.executable, "-c", END_OF_THE_HEAP], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) == 0


@pytest.mark.parametrize(
    ("largest", "expected"),
    [(2**31, [(-3, 2**30), (-1, -1)]),
     (2**25, [(-3, 2**30), (-3, 2**25), (-1, -1)]),
     (0, [(-3, 2**30), (-3, 2**25)])],
)  # fmt: skip
def test_what_an_older_library_refuses(
    monkeypatch: pytest.MonkeyPatch, largest: int, expected: list[tuple[int, int]]
) -> None:
    """The second setting without the first would make every array a call to the kernel."""
    library = _Library(largest)
    monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "2.31"))
    monkeypatch.setattr(ctypes, "CDLL", lambda _: library)

    keep_freed_memory()

    assert library.calls == expected


class _Library:
    """A C library that takes thresholds up to a bound."""

    def __init__(self, largest: int) -> None:
        self.largest = largest
        self.calls: list[tuple[int, int]] = []

    def mallopt(self, option: int, value: int) -> int:
        self.calls.append((option, value))
        return int(value <= self.largest)


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    monkeypatch.setattr(ctypes, "CDLL", None)  # would fail if it were called

    keep_freed_memory()
