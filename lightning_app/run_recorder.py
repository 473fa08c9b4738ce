"""The callback that keeps a run's folder while it trains."""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock
from lightning.pytorch import Callback, LightningModule, Trainer

from data_modules.brats import BraTSDataModule
from lightning_app.environment import environment
from lightning_app.files import read_json, write_csv, write_json
from lightning_app.runs import Run

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
    """

    def __init__(
        self, run: Run, save_config: Callable[[Path], None], network: dict[str, Any]
    ) -> None:
        self.run = run
        self._network = network
        self._save_config = save_config
        self._held = ExitStack()

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Write what is known before the first step."""
        del pl_module
        if stage != "fit" or not trainer.is_global_zero:
            return
        data: BraTSDataModule = trainer.datamodule  # type: ignore[attr-defined]
        self.run.path.mkdir(parents=True, exist_ok=True)  # a logger of the user's may be first
        self._held.enter_context(FileLock(self.run.lock))
        self._save_config(self.run.config)
        write_json(self.run.network, self._network)
        write_json(
            self.run.environment,
            {**environment(trainer.strategy.root_device), "data": data.description()},
        )
        write_csv(self.run.split, ("case", "patient", "side"), data.split_rows())
        write_json(self.run.status, {"status": "running", "started": _now(), "ended": None})
        if data.is_phantom:
            print(PHANTOM_BANNER)
        print(f"Data: {data.summary()}\nRun: {self.run.path}")

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say that the run is finished."""
        del pl_module
        self._end(trainer, "finished")

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Say that the run was interrupted or failed, and why."""
        del pl_module
        stopped = isinstance(exception, KeyboardInterrupt | SystemExit)
        reason = None if stopped else f"{type(exception).__name__}: {exception}"
        self._end(trainer, "interrupted" if stopped else "failed", reason)

    def _end(self, trainer: Trainer, status: str, reason: str | None = None) -> None:
        if trainer.is_global_zero and self.run.status.exists():
            known = read_json(self.run.status)
            write_json(
                self.run.status,
                {
                    **known,
                    "status": status,
                    "ended": _now(),
                    "epochs": trainer.current_epoch,
                    "reason": reason,
                },
            )
        self._held.close()


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")
