"""The last checkpoints of finished runs: only a longer training would need them."""

from collections.abc import Iterator, Sequence
from functools import partial

from data_modules.utils.disk_usage import disk_usage
from lightning_app.cleaning.removable import Removable
from lightning_app.runs.folder import Run, is_file, run_config
from lightning_app.runs.record_values import RecordError
from lightning_app.runs.status import ended_by, is_alive, is_finished, locked
from lightning_app.utils.errors import UsageError


def last_checkpoints(runs: Sequence[Run]) -> Iterator[Removable]:
    """The last.ckpt of every run that is finished and that nobody trains further."""
    for run in runs:
        if _is_dispensable(run) and not is_alive(run):
            yield Removable(run.last, disk_usage(run.last), partial(_delete, run))


def _is_dispensable(run: Run) -> bool:
    """Whether a run can do without its last.ckpt.

    It cannot if a limit such as trainer.max_time ended its training, which is to be resumed, or if
    last.ckpt may be all that it has, under whatever name.
    """
    links = (run.checkpoints, run.last, run.best)
    try:
        return (
            is_file(run.last)
            and is_file(run.best)
            and not any(path.is_symlink() for path in links)
            and is_finished(run)
            and ended_by(run, run_config(run)) is None
        )
    except (OSError, RecordError):
        return False


def _delete(run: Run) -> bool:
    try:
        with locked(run):
            if not _is_dispensable(run):
                return False
            run.last.unlink()
    except UsageError:  # a training holds the lock
        return False
    return True
