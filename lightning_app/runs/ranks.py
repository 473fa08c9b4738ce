"""The processes that train together, one for each device: all work on one run."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lightning_app.runs.folder import Run
from lightning_app.utils.parent_process import PARENT_VARIABLE, parent_variable

# Lightning starts the other ranks with the environment of rank 0.
RUN_VARIABLE = "BRATS_LIGHTNING_RUN"


def shared_run() -> Run | None:
    """The run of the process that started this one; None in rank 0."""
    path = os.environ.get(RUN_VARIABLE)
    return Run(Path(path)) if path else None


@contextmanager
def share_run(run: Run) -> Iterator[None]:
    """Pass the run on to the processes that are started from this one, and end them with it."""
    variables = {
        RUN_VARIABLE: str(run.path),
        # Waiting for rank 0, a rank may not notice a gentler signal. Only rank 0 writes files.
        PARENT_VARIABLE: parent_variable(signal.SIGKILL),
    }
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def externally_launched() -> bool:
    """Whether torchrun or srun started several processes, which do not know each other's run."""
    processes = os.environ.get("WORLD_SIZE") or os.environ.get("SLURM_NTASKS") or "1"
    return shared_run() is None and int(processes) > 1
