"""Files that are either whole or not there."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_UNFINISHED = ".part-"


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Give a temporary path beside a file, and put it in the file's place when all went well.

    By then it has been forced to the disk: a machine that loses power has the old file or the new.

    Raises:
        OSError: it cannot be written; what was there is left.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=_UNFINISHED, suffix=path.name)
    os.close(handle)
    temporary = Path(name)
    try:
        temporary.chmod(0o644)  # mkstemp gives 0600
        yield temporary
        _force_to_disk(temporary)
        temporary.replace(path)
        _force_to_disk(path.parent)
    except OSError as error:
        if error.filename in {None, name}:  # of a full disk the system does not say which file
            error.filename = str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Give a temporary folder beside a folder, and put it in its place when all went well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=_UNFINISHED, suffix=path.name))
    earlier = temporary.with_name(f"{temporary.name}-earlier")
    try:
        temporary.chmod(0o755)  # mkdtemp gives 0700
        yield temporary
        if path.exists():
            path.replace(earlier)
        temporary.replace(path)
        _force_to_disk(path.parent)
    finally:
        for left in (temporary, earlier):
            shutil.rmtree(left, ignore_errors=True)


def remove_partial_files(folder: Path) -> None:
    """Remove what a killed process left half written in a folder."""
    for left in folder.glob(f"{_UNFINISHED}*"):
        left.unlink(missing_ok=True)


def _force_to_disk(path: Path) -> None:
    if path.is_dir() and os.name == "nt":
        return  # Windows opens no folders
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
