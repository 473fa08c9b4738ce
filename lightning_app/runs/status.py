"""The state of a run: its status file and its lock, and whether it was trained in part."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Literal

from filelock import FileLock, Timeout

from callbacks.utils.processes import has_ended
from lightning_app.config.limits import ENDS, end_limits, limits, limits_in_words
from lightning_app.runs.folder import Run, is_file, run_config
from lightning_app.runs.record_values import RecordError
from lightning_app.runs.records import read_record, write_record
from lightning_app.utils.errors import UsageError
from lightning_app.utils.yaml_file import get_option

Status = Literal["running", "finished", "interrupted", "failed"]

# Data loader processes inherit the lock, and notice within seconds that their parent has died.
ORPHANS_END_S = 15.0
READERS_END_S = 1.0  # who asks whether a run is alive holds its lock for a moment


@contextmanager
def locked(run: Run) -> Iterator[None]:
    """Hold the lock of a run.

    Raises:
        UsageError: another process holds it.
    """
    lock = FileLock(run.lock)
    try:
        lock.acquire(timeout=ORPHANS_END_S if _owner_is_dead(run) else READERS_END_S)
    except Timeout:
        owner = read_status(run)
        raise UsageError(
            f"run '{run.path}' is being trained by process {owner.get('pid')} on "
            f"{owner.get('host')}: two trainings cannot share a folder"
        ) from None
    except OSError as error:  # a file system without locks
        error.filename = error.filename or str(run.lock)
        raise
    try:
        yield
    finally:
        lock.release()


def is_alive(run: Run) -> bool:
    """Whether a process is training this run now."""
    if not is_file(run.lock):
        return False
    try:
        return not _is_unlocked(run) and not _owner_is_dead(run)
    except OSError:  # no permission to write to the folder
        return False


def is_finished(run: Run) -> bool:
    """Whether the training of a run has finished."""
    return read_status(run).get("status") == "finished"


def current_status(run: Run) -> str:
    """The recorded status, or "interrupted" if a process that was running has ended without one."""
    recorded = str(read_status(run).get("status", "unknown"))
    if recorded != "running":
        return recorded
    try:
        has_ended = _owner_is_dead(run) or not run.lock.exists() or _is_unlocked(run)
    except OSError:  # no permission to lock: another user's run, perhaps on another machine
        has_ended = False
    return "interrupted" if has_ended else recorded


def read_status(run: Run) -> dict[str, Any]:
    """The content of status.json; empty if a kill left none that can be read."""
    try:
        return read_record(run.status)
    except (OSError, RecordError):
        return {}


def write_status(run: Run, status: Status, **more: Any) -> None:
    """Set the status of a run and any values given; keep the others."""
    write_record(run.status, {**read_status(run), "status": status, **more})


def mark_running(run: Run) -> None:
    """Set the status to running, with this process as its owner."""
    previous = read_status(run)
    write_status(
        run,
        "running",
        started=previous.get("started") or now(),
        ended=None,
        resumed=_resumed(previous) + 1 if "resumed" in previous else 0,
        host=socket.gethostname(),
        pid=os.getpid(),
        job=slurm_job(),
        reason=None,
    )


def slurm_job() -> str | None:
    """The SLURM job of this process; a requeued job keeps its id."""
    array, task = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    return f"{array}_{task}" if array and task else os.environ.get("SLURM_JOB_ID")


def now() -> str:
    """The time to the second, with its time zone."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def _is_unlocked(run: Run) -> bool:
    """Whether no process holds the lock of a run.

    Raises:
        OSError: there is no permission to write to the folder.
    """
    try:
        with FileLock(run.lock).acquire(blocking=False):
            return True
    except Timeout:
        return False


def training_limits(run: Run) -> str:
    """The options that limited the training of a run, in words; empty if it was trained in full.

    Raises:
        RecordError, FileNotFoundError: the run's config cannot be read.
    """
    config = run_config(run)
    found = limits("fit", config)
    if ended := ended_by(run, config):
        found[ended] = get_option(config, ended)
    return limits_in_words(found)


def ended_by(run: Run, config: dict[str, Any]) -> str | None:
    """The option that ended a training before its last epoch; None if none did.

    Args:
        run: the run.
        config: its config.
    """
    status = read_status(run)
    if status.get("status") != "finished":
        return None
    if "ended_by" in status:
        return next((option for option in ENDS if option == status["ended_by"]), None)
    # An earlier version recorded the number of epochs only.
    trained, wanted = status.get("epochs"), get_option(config, "trainer.max_epochs")
    if not isinstance(trained, int) or not isinstance(wanted, int) or trained >= wanted:
        return None
    return next(iter(end_limits(config)), None)


def _owner_is_dead(run: Run) -> bool:
    """Whether the process in the status ran on this machine and has ended."""
    owner = read_status(run)
    if owner.get("host") != socket.gethostname():
        return False
    pid = owner.get("pid")
    return isinstance(pid, int) and pid > 0 and has_ended(pid)


def _resumed(status: dict[str, Any]) -> int:
    count = status["resumed"]
    return count if isinstance(count, int) else 0
