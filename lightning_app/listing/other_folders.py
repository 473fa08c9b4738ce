"""The folders beside runs that hold no run, and why."""

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from lightning_app.report.load.tested_run import LeftOut
from lightning_app.runs.folder import is_ensemble, is_run_name
from lightning_app.utils.text import printable

_FORM = "<experiment>/<date>-<time>-<id>"


def other_folders(root: Path) -> list[LeftOut]:
    """The folders where runs and ensembles are expected that are none."""
    return [other for folder in _folders(root) for other in _others(folder)]


def _others(folder: Path) -> Iterator[LeftOut]:
    name = printable(folder.name)
    if is_run_name(folder.name):
        yield LeftOut(name, f"a run outside the folder of an experiment, expected {_FORM}")
        return
    inner = [inner for inner in _folders(folder) if not is_run_name(inner.name)]
    others = [other for other in inner if not is_ensemble(other)]
    if any(is_run_name(path.name) for inner in others for path in _folders(inner)):
        command = printable(f"python main.py runs {shlex.quote(str(folder))}")
        yield LeftOut(name, f"a folder of other runs: {command}")
    elif others:
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        yield LeftOut(f"{name}/{printable(others[0].name)}{more}", f"not named as a run, {_FORM}")


def _folders(folder: Path) -> list[Path]:
    """The folders in a folder that are not hidden, sorted; none if it may not be read."""
    try:
        with os.scandir(folder) as entries:
            names = [e.name for e in entries if not e.name.startswith(".") and e.is_dir()]
    except OSError:
        return []
    return [folder / name for name in sorted(names)]
