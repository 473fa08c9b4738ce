"""The space that files take."""

import os
from contextlib import suppress
from pathlib import Path

_UNITS = ("kB", "MB", "GB", "TB")


def disk_usage(path: Path) -> int:
    """Bytes in a file, or in all files below a folder; what links lead to is not counted.

    What vanishes in the meantime, or may not be read, counts as nothing.
    """
    with suppress(OSError):
        if path.is_symlink() or not path.is_dir():
            return path.lstat().st_size
        return _usage_below(str(path))
    return 0


def _usage_below(folder: str) -> int:
    size, folders = 0, [folder]
    while folders:
        with suppress(OSError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    size += entry.stat(follow_symlinks=False).st_size
    return size


def size_in_words(size: float) -> str:
    """Bytes with a decimal unit and two or three digits, such as 3.1 GB."""
    if size < 1000:
        return f"{size:.0f} B"
    for unit in _UNITS:
        size /= 1000
        if size < 999.5 or unit == _UNITS[-1]:
            break
    return f"{size:.1f} {unit}" if size < 9.95 else f"{size:.0f} {unit}"
