"""The names of unfinished files and folders, and the removal of those that a kill left behind."""

import hashlib
import itertools
import os
import re
import secrets
import shutil
import socket
import time
from contextlib import suppress
from pathlib import Path

from callbacks.utils.processes import has_ended

_NAME = re.compile(
    r"\.(?P<final>.+)\.(?P<host>[0-9a-f]{6})-(?P<pid>\d+)-(?P<process>[0-9a-f]{6})-\d+"
    r"(?P<earlier>-earlier)?\.part",
    re.DOTALL,
)
# Of earlier versions: the prefix and the random letters of Python's tempfile.
_NAME_BEFORE = re.compile(r"\.part-[0-9a-z_]{8}.+", re.DOTALL)
_DAY_S = 24 * 60 * 60

_process = secrets.token_hex(3)  # a restarted container gives the same process id again
_numbers = itertools.count()


def unfinished_path(path: Path) -> Path:
    """A name beside ``path`` for what will be renamed to it.

    It is hidden, ends in ``.part`` and names this process.
    """
    owner = f"{_host()}-{os.getpid()}-{_process}-{next(_numbers)}"
    return path.with_name(f".{path.name}.{owner}.part")


def earlier_path(unfinished: Path) -> Path:
    """The name of what an unfinished file or folder is about to replace."""
    return unfinished.with_name(f"{unfinished.name.removesuffix('.part')}-earlier.part")


def remove_leftovers(folder: Path) -> None:
    """Remove what processes that have ended left unfinished in a folder.

    If the name tells no process of this machine, what has not changed for a day is removed.
    """
    for path in _unfinished(folder):
        if _is_left(path):
            _remove(path)


def leftovers(folder: Path) -> list[Path]:
    """What ``remove_leftovers`` would delete from a folder, not what it would put back; sorted."""
    return sorted(
        path for path in _unfinished(folder) if _is_left(path) and _put_back_as(path) is None
    )


def remove_unfinished(folder: Path) -> None:
    """Remove everything unfinished in a folder that only the holder of a lock writes to."""
    for path in _unfinished(folder):
        _remove(path)


def _unfinished(folder: Path) -> list[Path]:
    paths = folder.glob(".*")
    return [p for p in paths if _NAME.fullmatch(p.name) or _NAME_BEFORE.fullmatch(p.name)]


def _is_left(path: Path) -> bool:
    named = _NAME.fullmatch(path.name)
    if named is not None and named["host"] == _host():
        pid = int(named["pid"])
        return named["process"] != _process if pid == os.getpid() else has_ended(pid)
    try:
        return time.time() - path.stat().st_mtime > _DAY_S
    except OSError:  # its process has just finished it
        return False


def _remove(path: Path) -> None:
    """Remove an unfinished file or folder, or put back what it was about to replace."""
    with suppress(OSError):  # of another user: no reason to stop
        if final := _put_back_as(path):
            path.rename(final)
        elif path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _put_back_as(path: Path) -> Path | None:
    """The name to give back to what was about to be replaced; None if it was, or is unfinished."""
    named = _NAME.fullmatch(path.name)
    if named is None or not named["earlier"]:
        return None
    final = path.with_name(named["final"])
    return None if final.exists() else final


def _host() -> str:
    """A short name of this machine."""
    return hashlib.blake2b(socket.gethostname().encode(), digest_size=3).hexdigest()
