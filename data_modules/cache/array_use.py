"""Who uses a cached array, and when it was last opened, for those who want to delete it.

An open array is locked by those who read it, and each opening sets the time of its index.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path

from data_modules.cache.array_index import ARRAY, INDEX

if sys.platform != "win32":
    import fcntl


def lock_shared(descriptor: int) -> None:
    """Mark an open file as in use, until it is closed.

    Some network disks have no locks. Windows needs none: it does not delete an open file.
    """
    if sys.platform != "win32":
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)


def is_in_use(folder: Path) -> bool:
    """Whether a process has an array open.

    Raises:
        OSError: it cannot be told.
    """
    if sys.platform == "win32":
        return False
    with (folder / ARRAY).open("r+b") as file:  # network disks want it to be writable
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def note_opened(folder: Path) -> None:
    """Record that an array has just been opened, unless it may not be written to."""
    with suppress(OSError):
        os.utime(folder / INDEX)


def last_opened(folder: Path) -> float:
    """When an array was opened or built, in seconds since the epoch.

    Earlier versions recorded only when it was built.

    Raises:
        OSError: it cannot be told.
    """
    return (folder / INDEX).stat().st_mtime
