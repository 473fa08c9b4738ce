"""Names of unfinished files, as processes leave them that are killed."""

import os
import subprocess
import sys
from pathlib import Path

from callbacks.utils.unfinished import unfinished_path


def unfinished_of(pid: int, path: Path) -> Path:
    """The unfinished name that another process of this machine gives to a file or folder."""
    ours = unfinished_path(path)
    host, _, process, number = ours.name.removesuffix(".part").rpartition(".")[2].split("-")
    other = f"{int(process, 16) ^ 1:06x}"
    return path.with_name(f".{path.name}.{host}-{pid}-{other}-{number}.part")


def unfinished_of_dead_process(path: Path) -> Path:
    """The same of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    return unfinished_of(process.pid, path)


def unfinished_of_live_process(path: Path) -> Path:
    """The same of a process that runs."""
    return unfinished_of(os.getppid(), path)
