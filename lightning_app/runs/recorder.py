"""The callback that keeps a run's folder while it trains."""

import logging
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from callbacks.utils.atomic_write import remove_partial_files
from data_modules.brats import BraTSDataModule
from data_modules.summary import description, split_rows, summary
from lightning_app.runs.environment import environment
from lightning_app.runs.folder import Run
from lightning_app.runs.status import Status, locked, mark_running, now, write_status
from lightning_app.utils.errors import UsageError
from lightning_app.utils.exit_codes import error_message
from lightning_app.utils.json_csv import read_json, write_csv, write_json

_log = logging.getLogger(__name__)

PHANTOM_BANNER = (
    "SYNTHETIC PHANTOM: these patients were made up by the program. Scores on them test the "
    "program and say nothing about patients. For BraTS give --data.root."
)


class RunRecorder(Callback):
    """Make the run's folder once the data are found good, and say in it how the run is doing.

    Args:
        run: whose folder.
        save_config: writes the resolved config to a path.
        network: what is to be recorded of the network.
        new: whether the run must not have begun before.
        goes_on: whether the training goes on from a checkpoint of the run.
    """

    def __init__(
        self,
        run: Run,
        save_config: Callable[[Path], None],
        network: dict[str, Any],
        *,
        new: bool = True,
        goes_on: bool = False,
    ) -> None:
        self.run = run
        self._network = network
        self._save_config = save_config
        self._new = new
        self._goes_on = goes_on
        self._held = ExitStack()
        self._began = False

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Write what is known before the first step.

        Raises:
            UsageError: the run is another process's, the folder another run's, or the run goes on
                with other data.
        """
        if stage != "fit" or not trainer.is_global_zero:
            return
        data: BraTSDataModule = trainer.datamodule  # type: ignore[attr-defined]
        self.run.path.mkdir(parents=True, exist_ok=True)  # a logger of the user's may be first
        self._held.enter_context(locked(self.run))
        if self._new and self.run.config.exists():
            raise UsageError(
                f"'{self.run.path}' holds a run already: type the command again for a folder of "
                f"its own, or go on with that run by --resume {self.run.path}"
            )
        remove_partial_files(self.run.path)
        remove_partial_files(self.run.checkpoints)
        here = environment(trainer.strategy.root_device)
        if self._goes_on:
            self._write_further_part(data, here)
        else:
            self._write_beginning(data, here)
        mark_running(self.run)
        self._began = True
        if data.is_phantom:
            print(PHANTOM_BANNER)
        print(f"Data: {summary(data)}\nRun: {self.run.path}")

    def _write_beginning(self, data: BraTSDataModule, here: dict[str, Any]) -> None:
        self._save_config(self.run.config)
        write_json(self.run.network, self._network)
        write_json(self.run.environment, {**here, "data": description(data)})
        write_csv(self.run.split, ("case", "patient", "side"), split_rows(data))

    def _write_further_part(self, data: BraTSDataModule, here: dict[str, Any]) -> None:
        known = read_json(self.run.environment)
        own, given = known["data"], description(data)
        for what in ("fingerprint", "split"):
            if own[what] != given[what]:
                raise UsageError(
                    f"the data's {what} is {given[what]}, but run '{self.run.path}' was begun with "
                    f"{own[what]}: the files of data.root '{given['root']}' have changed since; "
                    f"for a new run from these weights say --weights {self.run.path}"
                )
        self._save_config(self.run.config)
        parts = [*known.get("resumed", []), here]
        write_json(self.run.environment, {**known, "resumed": parts})

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say that the run is finished."""
        self._end(trainer, "finished")

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Say that the run was interrupted or failed, and why."""
        stopped = isinstance(exception, KeyboardInterrupt | SystemExit)
        reason = None if stopped else f"{type(exception).__name__}: {error_message(exception)}"
        try:
            self._end(trainer, "interrupted" if stopped else "failed", reason)
        except OSError as error:
            if not isinstance(exception, OSError):  # else one full disk would be told of twice
                _log.warning("%s cannot be written: %s", self.run.status, error)

    def _end(self, trainer: Trainer, status: Status, reason: str | None = None) -> None:
        """Say so, where this process had begun; and let go of the run."""
        try:
            if self._began:
                epochs = trainer.fit_loop.epoch_progress.current.processed  # type: ignore[attr-defined]
                write_status(self.run, status, ended=now(), epochs=epochs, reason=reason)
        finally:
            self._held.close()
