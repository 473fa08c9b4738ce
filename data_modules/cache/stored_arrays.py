"""The arrays in a folder of the cache, and their deletion."""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from data_modules.cache.array_index import ARRAY, INDEX
from data_modules.cache.array_use import is_in_use, last_opened

ARRAYS_KEY = "arrays"  # under which a record of data names the arrays that it opened

_ARRAY = re.compile(r"\w+-[0-9a-f]{16}")
_UNFINISHED = re.compile(r"\w+-[0-9a-f]{16}\.(part|building)")  # building: of earlier versions


def unfinished_path(array: Path) -> Path:
    """Where an array lies before it is complete, and while it is deleted."""
    return Path(f"{array}.part")


def array_lock(array: Path) -> FileLock:
    """The lock of those who build or delete an array; also of an unfinished one."""
    return FileLock(array.with_name(f"{array.name.partition('.')[0]}.lock"))


def stored_arrays(cache: Path) -> list[Path]:
    """The folders of a cache that hold an array and nothing else, sorted; no links.

    Raises:
        OSError: the cache cannot be read.
    """
    return [path for path in _folders(cache, _ARRAY) if _holds_an_array(path)]


def leftovers(cache: Path) -> Iterator[Path]:
    """What builds and deletions that were killed left in a cache: nobody holds their locks.

    Raises:
        OSError: the cache cannot be read.
    """
    for path in _folders(cache, _UNFINISHED):
        with suppress(OSError):  # no permission to lock it
            if _if_unlocked(path, lambda: None):
                yield path


def delete_array(array: Path, opened: float) -> bool:
    """Delete an array, unless a process has it open, builds or deletes it.

    Args:
        array: its folder.
        opened: when it was last opened, as far as is known; it stays if that was later.

    Returns:
        Whether it was deleted.

    Raises:
        OSError: it cannot be deleted, or is not there any more.
    """
    unfinished = unfinished_path(array)

    def delete() -> None:
        shutil.rmtree(unfinished, ignore_errors=True)  # of a deletion that was killed
        array.rename(unfinished)  # all at once: nobody may find a part of it
        shutil.rmtree(unfinished)

    is_unused = last_opened(array) <= opened and not is_in_use(array)
    return is_unused and _if_unlocked(array, delete)


def delete_leftover(path: Path) -> bool:
    """Delete an unfinished array, unless a process is at it; returns whether it was deleted.

    Raises:
        OSError: it cannot be deleted, or is not there any more.
    """
    return _if_unlocked(path, lambda: shutil.rmtree(path))


def remove_leftovers(cache: Path) -> None:
    """Delete what killed builds left in a cache, as far as possible.

    Raises:
        OSError: the cache cannot be read.
    """
    for path in leftovers(cache):
        with suppress(OSError):
            delete_leftover(path)


def _folders(cache: Path, name: re.Pattern[str]) -> list[Path]:
    paths = sorted(path for path in cache.iterdir() if name.fullmatch(path.name))
    return [path for path in paths if path.is_dir() and not path.is_symlink()]


def _holds_an_array(folder: Path) -> bool:
    with suppress(OSError):
        return {path.name for path in folder.iterdir()} == {ARRAY, INDEX}
    return False


def _if_unlocked(array: Path, act: Callable[[], None]) -> bool:
    """Act while holding the lock of an array; returns whether it was free."""
    try:
        with array_lock(array).acquire(blocking=False):
            act()
    except Timeout:
        return False
    return True
