"""The folders beside runs that hold no run, and why."""

import shlex
from collections.abc import Iterator
from pathlib import Path

from lightning_app.ensembles.folders import is_ensemble
from lightning_app.export.folder import EXPORT, ExportFolder
from lightning_app.report.load.tested_run import LeftOut
from lightning_app.report.output_folder import PAGE
from lightning_app.runs.folder import is_file, is_run, subfolders
from lightning_app.utils.text import printable

_NO_RUN = "no run: neither a run's name nor config.yaml and status.json"


def other_folders(root: Path) -> list[LeftOut]:
    """The folders where runs and ensembles are expected that are none."""
    if _is_result(root):
        return []
    folders = [
        folder for folder in _folders(root) if not (_is_result(folder) or is_file(folder / PAGE))
    ]
    return [other for folder in folders for other in _others(folder)]


def _others(folder: Path) -> Iterator[LeftOut]:
    name = printable(folder.name)
    others = [inner for inner in _folders(folder) if not _is_result(inner)]
    if any(_is_result(path) for inner in others for path in _folders(inner)):
        command = printable(f"python main.py runs {shlex.quote(str(folder))}")
        yield LeftOut(name, f"a folder of other runs: {command}")
    elif others:
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        yield LeftOut(f"{name}/{printable(others[0].name)}{more}", _NO_RUN)


def _is_result(folder: Path) -> bool:
    return is_run(folder) or is_ensemble(folder) or ExportFolder(folder / EXPORT).is_export


def _folders(folder: Path) -> list[Path]:
    return [inner for inner in subfolders(folder) if not inner.name.startswith(".")]
