"""All finished runs of an experiment. Imports no torch."""

import re
from dataclasses import dataclass
from pathlib import Path

from data_modules.utils.words import counted
from lightning_app.runs.folder import Run, find_runs, is_file, newest_first, subfolders
from lightning_app.runs.lookup import nearest_names
from lightning_app.runs.status import current_status, is_finished
from lightning_app.utils.errors import UsageError


@dataclass(frozen=True)
class FinishedRuns:
    """The runs of an experiment, of all its seeds and folds.

    Attributes:
        experiment: its name.
        runs: finished, with a checkpoint; the oldest first.
        left_out: the others, each with the reason.
    """

    experiment: str
    runs: tuple[Run, ...]
    left_out: tuple[str, ...]


def finished_runs(root: Path, experiment: str) -> FinishedRuns:
    """The runs of an experiment that can be joined.

    Args:
        root: folder of the runs.
        experiment: its name, or the folder of its runs.

    Raises:
        UsageError: there are fewer than two.
    """
    runs = _runs(root, experiment)
    if not runs:
        nearest = nearest_names(experiment, find_runs(root))
        raise UsageError(f"no run of experiment '{experiment}' below '{root}'{nearest}")
    reasons = {run: _why_not(run) for run in runs}
    finished = tuple(run for run, reason in reasons.items() if not reason)
    left_out = tuple(f"{run.path}: {reason}" for run, reason in reasons.items() if reason)
    if len(finished) < 2:
        others = f"; left out: {'; '.join(left_out)}" if left_out else ""
        raise UsageError(
            f"--ensemble '{experiment}' needs two finished runs, there is "
            f"{counted(len(finished), 'run') if finished else 'none'}{others}"
        )
    return FinishedRuns(_name(experiment), finished, left_out)


def _runs(root: Path, experiment: str) -> list[Run]:
    """The oldest first."""
    name = _name(experiment)
    in_folder = [
        run
        for folder in subfolders(Path(experiment).absolute().parent)
        if _is_of(name, folder.name)
        for run in find_runs(folder)
    ]
    found = [run for run in in_folder or find_runs(root) if _is_of(name, run.experiment)]
    return newest_first(found)[::-1]


def _name(experiment: str) -> str:
    return Path(experiment).absolute().name


def _is_of(name: str, folder: str) -> bool:
    """Whether the folder of an experiment has runs of a name: it, or one of its folds."""
    return re.fullmatch(rf"{re.escape(name)}(_fold\d+)?", folder) is not None


def _why_not(run: Run) -> str:
    if not is_finished(run):
        return f"not finished, its status is {current_status(run)}"
    return "" if is_file(run.best) else f"it has no checkpoint {run.best.name}"
