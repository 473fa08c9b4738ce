"""Atomic writes of files and folders."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PARTIAL = ".part-"


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder, and rename it to ``path`` if nothing is raised.

    The file is flushed to the disk first, so after a power failure either the old file or the new
    one exists.

    Raises:
        OSError: the file cannot be written; an old one is kept.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=_PARTIAL, suffix=path.name)
    os.close(handle)
    temporary = Path(name)
    try:
        temporary.chmod(0o644)  # mkstemp gives 0600
        yield temporary
        _flush_to_disk(temporary)
        temporary.replace(path)
        _flush_to_disk(path.parent)
    except OSError as error:
        if error.filename in {None, name}:  # the error of a full disk has no file name
            error.filename = str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder next to ``path``, and rename it to ``path`` if nothing is raised."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=_PARTIAL, suffix=path.name))
    previous = temporary.with_name(f"{temporary.name}-earlier")
    try:
        temporary.chmod(0o755)  # mkdtemp gives 0700
        yield temporary
        if path.exists():
            path.replace(previous)
        temporary.replace(path)
        _flush_to_disk(path.parent)
    finally:
        if previous.exists() and not path.exists():  # stopped between the two renames
            previous.replace(path)
        for folder in (temporary, previous):
            shutil.rmtree(folder, ignore_errors=True)


def remove_partial_files(folder: Path) -> None:
    """Remove the temporary files that a killed process left in a folder."""
    for file in folder.glob(f"{_PARTIAL}*"):
        file.unlink(missing_ok=True)


def _flush_to_disk(path: Path) -> None:
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot open folders
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
