"""All finished runs of an experiment. Imports no torch."""

from dataclasses import dataclass
from pathlib import Path

from data_modules.utils.words import counted
from lightning_app.runs.folder import Run, find_runs, find_runs_of, is_file
from lightning_app.runs.lookup import nearest_names
from lightning_app.runs.status import current_status, is_finished
from lightning_app.utils.errors import UsageError


@dataclass(frozen=True)
class FinishedRuns:
    """The runs of an experiment.

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
    return FinishedRuns(runs[0].experiment, finished, left_out)


def _runs(root: Path, experiment: str) -> list[Run]:
    """The oldest first."""
    try:
        found = find_runs_of(Path(experiment))
    except OSError:  # no folder can have that name, or it may not be entered
        found = []
    found = found or [run for run in find_runs(root) if run.experiment == experiment.rstrip("/")]
    return found[::-1]


def _why_not(run: Run) -> str:
    if not is_finished(run):
        return f"not finished, its status is {current_status(run)}"
    return "" if is_file(run.best) else f"it has no checkpoint {run.best.name}"
