"""Which run a training goes on with, and what it may not change of it."""

import os
from pathlib import Path
from typing import Any

from lightning_app.runs.folder import Run, find_runs, named_run
from lightning_app.runs.status import is_alive, is_finished, read_status, slurm_job
from lightning_app.utils.errors import UsageError


def run_to_resume(root: Path, name: str | None, experiment: str | None) -> Run:
    """The run that ``--resume`` means.

    Args:
        root: where the runs are.
        name: a run; None for the newest that is neither finished nor alive.
        experiment: whose newest, where none is named; None for any.

    Raises:
        UsageError: there is none, or another process trains it.
    """
    if name is not None:
        run = named_run(root, name)
        if is_alive(run):
            owner = read_status(run)
            raise UsageError(
                f"run '{run.path}' is being trained by process {owner.get('pid')} on "
                f"{owner.get('host')}: stop that one first, or wait for it"
            )
        return run
    for run in find_runs(root):
        of_experiment = experiment is None or run.experiment == experiment
        if of_experiment and run.config.is_file() and not is_finished(run) and not is_alive(run):
            return run
    whose = f"of experiment '{experiment}' " if experiment else ""
    raise UsageError(
        f"no unfinished run {whose}below '{root}': nothing to go on with; without --resume a new "
        "run is begun"
    )


def requeued_run(root: Path) -> Run | None:
    """The unfinished run that this SLURM job began before it was put back into the queue."""
    if int(os.environ.get("SLURM_RESTART_COUNT") or 0) == 0:
        return None
    for run in find_runs(root):
        if read_status(run).get("job") == slurm_job() and not is_finished(run):
            return run
    return None


def check_something_left(saved: dict[str, Any], max_epochs: int | None, run: Run) -> None:
    """Refuse to go on with a finished run that has all its epochs.

    One that was killed after its last checkpoint has them too; resuming it only says so.

    Raises:
        UsageError: nothing is left to train.
    """
    done = saved["loops"]["fit_loop"]["epoch_progress"]["current"]["processed"]
    if is_finished(run) and max_epochs is not None and 0 <= max_epochs <= done:
        raise UsageError(
            f"run '{run.path}' has its {done} epochs: for more of them say "
            f"--trainer.max_epochs, which is {max_epochs}; to begin anew from its weights say "
            f"--weights {run.path}"
        )
