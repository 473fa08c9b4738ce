"""The C library's memory: kept for the next step instead of given back after every one."""

import ctypes
import os
import platform

# From glibc's malloc.h.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_LARGEST_ARRAY = 2**30  # bytes; 32 images of 128 channels, 240 x 240, in float32 are 0.94e9
_LARGEST_BEFORE_2_35 = 2**25  # more is refused there
_NEVER = -1


def keep_freed_memory() -> None:
    """Let glibc keep large blocks that were freed, where the user has not tuned it himself.

    As it comes, glibc asks the kernel for every large array anew, which then clears its pages one
    by one; the same few are made in every step, and of every volume. The numbers do not change. A
    process keeps the most that it ever needed. Does nothing where the C library is another.
    """
    tuned = any(name.startswith("MALLOC_") or name == "GLIBC_TUNABLES" for name in os.environ)
    if platform.libc_ver()[0] != "glibc" or tuned:
        return
    library = ctypes.CDLL(None)
    # The second alone would undo glibc's own way of learning the first.
    if any(library.mallopt(_M_MMAP_THRESHOLD, n) for n in (_LARGEST_ARRAY, _LARGEST_BEFORE_2_35)):
        library.mallopt(_M_TRIM_THRESHOLD, _NEVER)
