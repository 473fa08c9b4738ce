"""Atomic writes of files and folders, whose permissions follow the umask.

No parent folder is made: if a run's folder has been moved, it must not be made again.
"""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from callbacks.utils.unfinished import earlier_path, unfinished_path


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder, and rename it to ``path`` if nothing is raised.

    The file is flushed to the disk first, so after a power failure either the old file or the new
    one exists. The temporary name ends in ``.part``: tell a library the format.

    Raises:
        OSError: the file cannot be written; an old one is kept.
    """
    temporary = unfinished_path(path)
    try:
        with _errors_name(path, instead_of=temporary):
            temporary.touch(exist_ok=False)
            yield temporary
            move_into_place(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside ``path``, and rename it to ``path`` if nothing is raised.

    Raises:
        OSError: the folder cannot be written; an old one is kept.
    """
    if os.path.ismount(path):  # of a container; found out before any work
        raise OSError(errno.EBUSY, "a mounted folder cannot be replaced, name one in it", str(path))
    temporary = unfinished_path(path)
    try:
        with _errors_name(path, instead_of=temporary):
            temporary.mkdir()
            yield temporary
            _replace_folder(path, temporary)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def move_into_place(temporary: Path, path: Path) -> None:
    """Flush a file to the disk and rename it to ``path``."""
    _flush_to_disk(temporary)
    temporary.replace(path)
    _flush_to_disk(path.parent)


def _replace_folder(path: Path, temporary: Path) -> None:
    earlier = earlier_path(temporary)
    with suppress(FileNotFoundError):
        path.replace(earlier)
    try:
        temporary.replace(path)
    except BaseException:
        if earlier.exists() and not path.exists():
            earlier.replace(path)
        raise
    finally:
        shutil.rmtree(earlier, ignore_errors=True)
    _flush_to_disk(path.parent)


@contextmanager
def _errors_name(path: Path, instead_of: Path) -> Iterator[None]:
    """Let errors name what the user knows instead of something temporary."""
    try:
        yield
    except OSError as error:
        if error.filename is None and not instead_of.is_dir():  # that of a full disk
            error.filename = str(path)
        elif isinstance(error.filename, str | os.PathLike):
            named = Path(error.filename)
            if named == instead_of and path.is_dir() and isinstance(error, PermissionError):
                # What cannot be written is the folder above.
                error.filename = str(path.parent)
            elif named.is_relative_to(instead_of):
                error.filename = str(path / named.relative_to(instead_of))
        raise


def _flush_to_disk(path: Path) -> None:
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot open folders
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
