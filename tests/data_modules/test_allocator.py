"""Memory that is freed and asked for again comes without the kernel's help."""

import ctypes
import os
import platform
import subprocess
import sys

import pytest

from data_modules.allocator import keep_freed_memory

FAULTS = """
import resource
from data_modules.allocator import keep_freed_memory
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


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    monkeypatch.setattr(ctypes, "CDLL", None)  # would fail if it were called

    keep_freed_memory()
