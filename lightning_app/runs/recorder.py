"""The callback that keeps the records of a run while it trains."""

import logging
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import Timer

from callbacks.utils.trainer import attributes
from callbacks.utils.unfinished import remove_leftovers, remove_unfinished
from data_modules.brats import BraTSDataModule
from data_modules.summary import description, split_rows, summary
from lightning_app.runs.environment import environment
from lightning_app.runs.folder import Run
from lightning_app.runs.records import (
    DataRecord,
    add_resumed,
    read_environment,
    write_environment,
    write_record,
    write_split,
)
from lightning_app.runs.status import Status, locked, mark_running, now, write_status
from lightning_app.utils.errors import UsageError
from lightning_app.utils.exit_codes import error_message
from lightning_app.utils.text import print_lines

_log = logging.getLogger(__name__)

PHANTOM_BANNER = (
    "SYNTHETIC PHANTOM: these patients are synthetic. Scores on them test the program and say "
    "nothing about patients. To train on BraTS, set --data.root."
)


class RunRecorder(Callback):
    """Make the run's folder once the data have been checked, and keep its records up to date.

    Args:
        run: the run.
        save_config: writes the resolved config to a path.
        network: returns the content of network.json, once the data have been set up.
        new: whether the folder must not hold a run yet.
        resumes: whether the training resumes from a checkpoint of the run.

    Raises:
        RecordError: environment.json of a run to resume is damaged.
    """

    def __init__(
        self,
        run: Run,
        save_config: Callable[[Path], None],
        network: Callable[[], dict[str, Any]],
        *,
        new: bool = True,
        resumes: bool = False,
    ) -> None:
        self.run = run
        self._network = network
        self._save_config = save_config
        self._new = new
        self._trained_on = read_environment(run.environment).data if resumes else None
        self._lock = ExitStack()
        self._started = False

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Take the lock and write what is known before the first step.

        Raises:
            UsageError: another process trains the run, the folder holds another run, or the data
                of a resumed run have changed.
        """
        if stage != "fit" or not trainer.is_global_zero:
            return
        data: BraTSDataModule = attributes(trainer).datamodule
        self.run.path.mkdir(parents=True, exist_ok=True)  # a callback may have made it
        self._lock.enter_context(locked(self.run))
        if self._new and self.run.config.exists():
            raise UsageError(
                f"'{self.run.path}' holds a run already: run the command again for a new folder, "
                f"or resume that run with --resume {self.run.quoted}"
            )
        remove_leftovers(self.run.path)
        self.run.checkpoints.mkdir(exist_ok=True)
        remove_unfinished(self.run.checkpoints)
        current = environment(trainer.strategy.root_device)
        if self._trained_on is None:
            self._write_first(data, current)
        else:
            self._write_resumed(self._trained_on, data, current)
        mark_running(self.run)
        self._started = True
        if data.source.is_phantom:
            print_lines(PHANTOM_BANNER)
        print_lines(f"Data: {summary(data)}", f"Run: {self.run.path}")

    def _write_first(self, data: BraTSDataModule, current: dict[str, Any]) -> None:
        self._save_config(self.run.config)
        write_record(self.run.network, self._network())
        write_environment(self.run.environment, current, description(data))
        write_split(self.run.split, split_rows(data))

    def _write_resumed(
        self, saved: DataRecord, data: BraTSDataModule, current: dict[str, Any]
    ) -> None:
        given = DataRecord.of(description(data))
        reason = f"the files of data.root '{data.root}' have changed since"
        if saved.is_earlier_preparation_of(given):
            reason = f"an earlier version prepared its slices with another brain mask, or {reason}"
        for name in ("fingerprint", "split"):
            recorded, found = getattr(saved, name), getattr(given, name)
            if recorded != found:
                raise UsageError(
                    f"the {name} of the data is {found}, but run '{self.run.path}' was started "
                    f"with {recorded}: {reason}; "
                    f"for a new run from these weights use --weights {self.run.quoted}"
                )
        self._save_config(self.run.config)
        add_resumed(self.run.environment, current)

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Set the status to finished."""
        self._end(trainer, "finished", ended_by=_ended_by(trainer))

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Set the status to interrupted or failed, with the reason."""
        stopped = isinstance(exception, KeyboardInterrupt | SystemExit)
        reason = None if stopped else f"{type(exception).__name__}: {error_message(exception)}"
        try:
            self._end(trainer, "interrupted" if stopped else "failed", reason=reason)
        except OSError as error:
            if not isinstance(exception, OSError):  # a full disk is reported once
                _log.warning("%s cannot be written: %s", self.run.status, error)

    def _end(self, trainer: Trainer, status: Status, **more: str | None) -> None:
        """Set the status, if this process had started the run, and release the lock."""
        try:
            if self._started:
                epochs = trainer.fit_loop.epoch_progress.current.processed  # type: ignore[attr-defined]
                write_status(self.run, status, ended=now(), epochs=epochs, **more)
        finally:
            self._lock.close()


def _ended_by(trainer: Trainer) -> str | None:
    """The option that ended a training before the last batch of its last epoch."""
    epochs, batches = trainer.max_epochs, trainer.fit_loop.epoch_loop.batch_progress.total
    trained: int = batches.processed  # type: ignore[attr-defined]
    if epochs is None or trained >= epochs * trainer.num_training_batches:
        return None
    if 0 <= trainer.max_steps <= trainer.global_step:
        return "trainer.max_steps"
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    timers = [callback for callback in callbacks if isinstance(callback, Timer)]
    out_of_time = any((timer.time_remaining() or 0) <= 0 for timer in timers)
    return "trainer.max_time" if out_of_time else None
