"""The runs and ensembles that the arguments of a report name."""

import difflib
from collections.abc import Sequence
from pathlib import Path

from lightning_app.ensembles.folders import find_ensembles, is_ensemble
from lightning_app.runs.folder import (
    DEFAULT_ROOT,
    ENSEMBLES,
    ResultFolder,
    Run,
    find_runs,
    is_file,
    is_run,
    newest_first,
)
from lightning_app.utils.errors import UsageError


def named_runs(paths: Sequence[Path]) -> list[Run]:
    """Every run that is named, once, the newest first.

    Args:
        paths: run folders, folders of an experiment's runs, and folders of experiments.

    Raises:
        UsageError: a path is no folder, or holds neither a run nor an ensemble.
    """
    runs: dict[Path, Run] = {}
    for path in paths:
        if not path.is_dir():
            what = "is not a folder" if path.exists() else "does not exist"
            raise UsageError(
                f"runs folder '{path}' {what}{_nearest(path)}: name a run's folder or a folder of "
                "runs"
            )
        found = [Run(path.resolve())] if names_run(path) else find_runs(path)
        if not found and len(paths) > 1 and not named_ensembles([path]):
            raise UsageError(f"no run in '{path}': name a run's folder or a folder of runs")
        for run in found:
            runs.setdefault(run.path.resolve(), run)
    return newest_first(runs.values())


def named_ensembles(paths: Sequence[Path]) -> list[ResultFolder]:
    """Every tested ensemble that is named, once, the one that was tested last first.

    Args:
        paths: folders of ensembles, and the folders of runs that they lie in.
    """
    found: dict[Path, ResultFolder] = {}
    for path in paths:
        folder = path.resolve()
        if is_ensemble(folder):
            found[folder] = ResultFolder(folder)
        root = folder.parent if folder.name == ENSEMBLES else folder
        found |= {ensemble.path: ensemble for ensemble in find_ensembles(root)}
    return sorted(found.values(), key=lambda ensemble: -ensemble.path.stat().st_mtime)


def names_run(path: Path) -> bool:
    """Whether a folder is that of a run, even if it lacks its status."""
    return is_run(path.resolve()) or is_file(Run(path).config)


def _nearest(path: Path) -> str:
    folders = [child for parent in (path.parent, Path(DEFAULT_ROOT)) for child in parent.glob("*")]
    names = {child.name: str(child) for child in reversed(folders) if child.is_dir()}
    near = difflib.get_close_matches(path.name, names, n=3, cutoff=0.4)
    return f"; nearest: {', '.join(names[name] for name in near)}" if near else ""
