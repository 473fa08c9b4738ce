"""The runs that the arguments of a report name."""

import difflib
from collections.abc import Sequence
from pathlib import Path

from lightning_app.runs.folder import DEFAULT_ROOT, Run, find_runs, is_file, is_run, newest_first
from lightning_app.utils.errors import UsageError


def named_runs(paths: Sequence[Path]) -> list[Run]:
    """Every run that is named, once, the newest first.

    Args:
        paths: run folders, folders of an experiment's runs, and folders of experiments.

    Raises:
        UsageError: a path is no folder, or there is no run.
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
        if not found and len(paths) > 1:
            raise UsageError(f"no run in '{path}': name a run's folder or a folder of runs")
        for run in found:
            runs.setdefault(run.path.resolve(), run)
    return newest_first(runs.values())


def names_run(path: Path) -> bool:
    """Whether a folder is that of a run, even if it lacks its status."""
    return is_run(path.resolve()) or is_file(Run(path).config)


def _nearest(path: Path) -> str:
    folders = [child for parent in (path.parent, Path(DEFAULT_ROOT)) for child in parent.glob("*")]
    names = {child.name: str(child) for child in reversed(folders) if child.is_dir()}
    near = difflib.get_close_matches(path.name, names, n=3, cutoff=0.4)
    return f"; nearest: {', '.join(names[name] for name in near)}" if near else ""
