"""Save a checkpoint on a signal to stop, Ctrl-C or a scheduler's warning, then stop."""

import logging
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint

from callbacks.checkpoints import LastCheckpoint, can_resume_after
from callbacks.utils.distributed import any_rank, is_time_to_vote
from callbacks.utils.private_api import cluster_environment
from callbacks.utils.signals import leave_closed_terminal, stop_signals

Handler = Callable[[int, FrameType | None], Any] | int | None

_log = logging.getLogger(__name__)


class GracefulStop(Checkpoint):
    """Save ``last.ckpt`` at the end of the batch in which a stop signal arrives, then exit.

    If the signal arrives in the last batch of an epoch or during validation, the training stops at
    the end of the epoch. The signals are SIGTERM, SIGHUP (the terminal was closed), SIGXCPU (a
    limit of CPU time) and Ctrl-C. The exit code is 128 + the signal: 143 for SIGTERM, 130 for
    Ctrl-C. A second Ctrl-C stops at once, without another checkpoint.

    Under SLURM, the signal that warns of pre-emption is handled by Lightning, which saves and
    requeues the job. This callback only delays Lightning's handler to the end of the batch.

    The base class is Checkpoint because Lightning calls checkpoint callbacks last, when all other
    callbacks have finished the batch.

    Args:
        last: saves the checkpoint.
    """

    def __init__(self, last: LastCheckpoint) -> None:
        self._last = last
        self._stop_signal: int | None = None
        self._requeue_signal: int | None = None
        self._previous_handlers: dict[int, Handler] = {}
        self._requeue: Handler = None

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Remove any handler of the scheduler's warning: Lightning would not replace it."""
        number = _requeue_signal(trainer)
        if number is not None and _may_install():
            self._install(number, signal.SIG_DFL)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Install the signal handlers; Lightning has installed its own by now."""
        if not _may_install():
            return
        warning = _requeue_signal(trainer)
        for number in {*stop_signals(), signal.SIGINT} - {warning}:
            self._install(number, self._on_stop_signal)
        if warning is not None:
            self._requeue = self._install(warning, self._on_requeue_signal)

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: object,
        batch: object,
        batch_idx: int,
    ) -> None:
        """Respond to a signal, if the training can be resumed from here."""
        if can_resume_after(trainer, batch_idx) and is_time_to_vote(trainer):
            self._respond(trainer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Respond to a signal that arrived in the last batch or during validation."""
        self._respond(trainer)

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Restore the previous handlers."""
        self._restore_handlers()

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Restore the previous handlers."""
        self._restore_handlers()

    def _respond(self, trainer: Trainer) -> None:
        if any_rank(trainer, vote=self._requeue_signal is not None):
            number, self._requeue_signal = self._requeue_signal or signal.SIGUSR1, None
            self._save_and_requeue(trainer, number)
        if any_rank(trainer, vote=self._stop_signal is not None):
            self._last.save_unless_ended_within(trainer)
            # Only rank 0 reports the signal; the same code on another rank would count as a crash.
            code = 128 + (self._stop_signal or signal.SIGTERM)
            raise SystemExit(code if trainer.is_global_zero else 0)

    def _save_and_requeue(self, trainer: Trainer, number: int) -> None:
        """Let Lightning save and requeue, and rename its checkpoint to ``last.ckpt``."""
        if callable(self._requeue):
            self._requeue(number, None)
        if trainer.is_global_zero:
            for checkpoint in Path(trainer.default_root_dir).glob("hpc_ckpt_*.ckpt"):
                if self._last.has_ended_within:
                    checkpoint.unlink()
                else:
                    checkpoint.replace(self._last.path(trainer))

    def _on_stop_signal(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and self._stop_signal == signal.SIGINT:
            raise KeyboardInterrupt
        self._stop_signal = number
        leave_closed_terminal()
        if number == signal.SIGINT:
            _log.warning("Ctrl-C: saving at the end of the batch; press again to stop at once")

    def _on_requeue_signal(self, number: int, frame: FrameType | None) -> None:
        self._requeue_signal = number

    def _install(self, number: int, handler: Handler) -> Handler:
        """Install a handler; returns the previous one."""
        previous = signal.signal(number, handler)
        self._previous_handlers.setdefault(number, previous)
        return previous

    def _restore_handlers(self) -> None:
        for number, handler in self._previous_handlers.items():
            signal.signal(number, handler)
        self._previous_handlers = {}


def _may_install() -> bool:
    """Python allows handlers in the main thread only."""
    return threading.current_thread() is threading.main_thread()


def _requeue_signal(trainer: Trainer) -> int | None:
    """The signal by which SLURM warns of pre-emption; None if Lightning does not requeue."""
    cluster = cluster_environment(trainer)
    if not isinstance(cluster, SLURMEnvironment) or not cluster.auto_requeue:
        return None
    return cluster.requeue_signal or signal.SIGUSR1
