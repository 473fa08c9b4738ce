"""The processes that train together, one a device, and what they must know of each other."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lightning_app.runs.folder import Run

# Lightning starts the further processes with the environment of the first.
RUN_VARIABLE = "BRATS_LIGHTNING_RUN"


def shared_run() -> Run | None:
    """The run that the process which started this one works on; None in the first process."""
    path = os.environ.get(RUN_VARIABLE)
    return Run(Path(path)) if path else None


@contextmanager
def share_run(run: Run) -> Iterator[None]:
    """Tell the processes that are started from this one which run it is."""
    before = os.environ.get(RUN_VARIABLE)
    os.environ[RUN_VARIABLE] = str(run.path)
    try:
        yield
    finally:
        if before is None:
            del os.environ[RUN_VARIABLE]


def externally_launched() -> bool:
    """Whether torchrun or srun started several processes, none of which knows the others' run."""
    processes = os.environ.get("WORLD_SIZE") or os.environ.get("SLURM_NTASKS") or "1"
    return shared_run() is None and int(processes) > 1
