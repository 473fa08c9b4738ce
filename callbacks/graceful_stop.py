"""SIGTERM, Ctrl-C and a scheduler's warning: save first, then obey."""

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

from callbacks.checkpoints import LastCheckpoint, can_go_on_after
from callbacks.utils.distributed import any_says_so, is_time_to_ask

Handler = Callable[[int, FrameType | None], Any] | int | None

_log = logging.getLogger(__name__)


class GracefulStop(Checkpoint):
    """Save ``last.ckpt`` at the end of the batch in which the process is told to stop, then exit.

    Told to in the last batch of an epoch or in the validation, it stops when the epoch has ended.
    The exit code is 128 + the signal: 143 for SIGTERM, 130 for Ctrl-C. A second Ctrl-C stops at
    once, and the checkpoint that was saved before is the last.

    Under SLURM the signal that warns of pre-emption is left to Lightning's own handler, which saves
    and puts the job back into the queue; only it is called between two batches, not in the middle
    of one.

    It is a Checkpoint in Lightning's sense so that it comes after all callbacks that are none: what
    they do at the end of a batch is then done.

    Args:
        last: saves the checkpoint.
    """

    def __init__(self, last: LastCheckpoint) -> None:
        self._last = last
        self._asked: int | None = None
        self._warned: int | None = None
        self._before: dict[int, Handler] = {}
        self._requeue: Handler = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take the signals; Lightning's handlers are in place by now."""
        if threading.current_thread() is not threading.main_thread():
            return  # only the main thread may
        self._take(signal.SIGTERM, self._note)
        self._take(signal.SIGINT, self._note)
        # Where Lightning's own signal connector looks too; it is not made public.
        cluster = trainer._accelerator_connector.cluster_environment  # noqa: SLF001
        if isinstance(cluster, SLURMEnvironment) and cluster.auto_requeue:
            number = cluster.requeue_signal or signal.SIGUSR1
            self._requeue = self._take(number, self._note_warning)

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: object,
        batch: object,
        batch_idx: int,
    ) -> None:
        """Obey, where a checkpoint made here can be gone on from."""
        if can_go_on_after(trainer, batch_idx) and is_time_to_ask(trainer):
            self._obey(trainer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Obey what came in the last batch or in the validation."""
        self._obey(trainer)

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Put the handlers back."""
        self._give_back()

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Put the handlers back."""
        self._give_back()

    def _obey(self, trainer: Trainer) -> None:
        if any_says_so(trainer, self._warned is not None):
            number, self._warned = self._warned or signal.SIGUSR1, None
            self._save_and_requeue(trainer, number)
        if any_says_so(trainer, self._asked is not None):
            self._last.save(trainer)
            # The first process speaks for all; another's code would count as a crash.
            code = 128 + (self._asked or signal.SIGTERM)
            raise SystemExit(code if trainer.is_global_zero else 0)

    def _save_and_requeue(self, trainer: Trainer, number: int) -> None:
        """Let Lightning save and requeue; what it saved is where the training stands."""
        if callable(self._requeue):
            self._requeue(number, None)
        if trainer.is_global_zero:
            for saved in Path(trainer.default_root_dir).glob("hpc_ckpt_*.ckpt"):
                saved.replace(self._last.path(trainer))

    def _note(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and self._asked == signal.SIGINT:
            raise KeyboardInterrupt
        self._asked = number
        if number == signal.SIGINT:
            _log.warning("Ctrl-C: saving at the end of the batch; once more to stop at once")

    def _note_warning(self, number: int, frame: FrameType | None) -> None:
        self._warned = number

    def _take(self, number: int, handler: Handler) -> Handler:
        self._before[number] = signal.signal(number, handler)
        return self._before[number]

    def _give_back(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
