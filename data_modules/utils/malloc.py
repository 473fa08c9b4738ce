"""Tuning the C library's allocator to keep freed memory for the next step."""

import ctypes
import os
import platform

# From glibc's malloc.h.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_LARGEST_ARRAY = 2**30  # bytes; a float32 array (32, 128, 240, 240) has 0.94e9
_LARGEST_BEFORE_2_35 = 2**25  # glibc before 2.35 refuses more
_NEVER = -1


def keep_freed_memory() -> None:
    """Let glibc keep large freed blocks, unless the user has tuned it.

    By default glibc requests every large array from the kernel, which clears its pages one by one,
    though every step and every volume needs the same few arrays. Results do not change. The process
    keeps its peak memory. Does nothing with another C library.
    """
    tuned = any(name.startswith("MALLOC_") or name == "GLIBC_TUNABLES" for name in os.environ)
    if platform.libc_ver()[0] != "glibc" or tuned:
        return
    library = ctypes.CDLL(None)
    # Setting the second alone would stop glibc from adapting the first.
    if any(library.mallopt(_M_MMAP_THRESHOLD, n) for n in (_LARGEST_ARRAY, _LARGEST_BEFORE_2_35)):
        library.mallopt(_M_TRIM_THRESHOLD, _NEVER)
