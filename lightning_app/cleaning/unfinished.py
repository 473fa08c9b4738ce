"""What killed commands left in the folders of runs."""

import os
import shutil
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from callbacks.utils.unfinished import leftovers
from data_modules.utils.disk_usage import disk_usage
from lightning_app.cleaning.removable import Removable
from lightning_app.runs.folder import Run
from lightning_app.runs.status import is_alive


def unfinished_files(root: Path, runs: Sequence[Run]) -> Iterator[Removable]:
    """The leftovers below a folder, except in runs that are being trained."""
    trained = {run.path for run in runs if is_alive(run)}
    for folder, names, _ in os.walk(root):  # does not follow links
        found = leftovers(Path(folder))
        for path in found:
            yield Removable(path, disk_usage(path), partial(_delete, path))
        skipped = trained.union(found)
        names[:] = [name for name in names if Path(folder, name) not in skipped]


def _delete(path: Path) -> bool:
    if path not in leftovers(path.parent):
        return False
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
    return True
