"""The processes that train together, one for each device: all work on one run."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lightning_app.runs.folder import Run

# Lightning starts the other ranks with the environment of rank 0.
RUN_VARIABLE = "BRATS_LIGHTNING_RUN"


def shared_run() -> Run | None:
    """The run of the process that started this one; None in rank 0."""
    path = os.environ.get(RUN_VARIABLE)
    return Run(Path(path)) if path else None


@contextmanager
def share_run(run: Run) -> Iterator[None]:
    """Pass the run on to the processes that are started from this one."""
    before = os.environ.get(RUN_VARIABLE)
    os.environ[RUN_VARIABLE] = str(run.path)
    try:
        yield
    finally:
        if before is None:
            del os.environ[RUN_VARIABLE]


def externally_launched() -> bool:
    """Whether torchrun or srun started several processes, which do not know each other's run."""
    processes = os.environ.get("WORLD_SIZE") or os.environ.get("SLURM_NTASKS") or "1"
    return shared_run() is None and int(processes) > 1
