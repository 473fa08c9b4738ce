"""A W&B logger that needs no account and stops no training."""

import logging
import math
import netrc
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from lightning.pytorch.loggers import Logger, WandbLogger
from lightning.pytorch.utilities import rank_zero_only

_log = logging.getLogger(__name__)

PATIENCE_S = 30  # for a server that does not answer, at the beginning of a run and at its end


class ForgivingWandbLogger(Logger):
    """Log to W&B: offline unless an API key or WANDB_MODE says otherwise.

    A W&B run is opened when there is something to log and ``keep_in`` has said where; before that
    nothing is logged. Where W&B fails, that is said once, and nothing more is logged. A score that
    is no number is left out.

    Args:
        project: The W&B project.
        entity: The W&B user or team; null for your own.
        log_checkpoint: Whether the best checkpoint becomes an artifact.
    """

    def __init__(
        self,
        project: str = "brats-lightning",
        entity: str | None = None,
        *,
        log_checkpoint: bool = False,
    ) -> None:
        super().__init__()
        self.project = project
        self.entity = entity
        self.log_checkpoint = log_checkpoint
        self._folder: Path | None = None
        self._id_file: Path | None = None
        self._logger: WandbLogger | None = None
        self._given_up = False

    @property
    def name(self) -> str:
        """The project."""
        return self.project

    @property
    def version(self) -> None:
        """None: Lightning would show the W&B id in the progress bar."""
        return

    def keep_in(self, folder: Path, id_file: Path) -> None:
        """Say where W&B's files belong, and which file keeps the id for those who go on.

        Args:
            folder: gets a folder ``wandb``.
            id_file: read where it is there, else written.
        """
        self._folder = folder
        self._id_file = id_file

    def keep_silent(self) -> None:
        """Log nothing from now on."""
        self._given_up = True

    def attempt(self, act: Callable[[WandbLogger], object]) -> None:
        """Do something with the W&B run, on the first process, or give W&B up."""
        if self._given_up or self._folder is None or rank_zero_only.rank:  # type: ignore[attr-defined]
            return
        try:
            if self._logger is None:
                self._logger = self._open(self._folder)
            act(self._logger)
        except Exception as error:  # noqa: BLE001 (whatever it is, the training is worth more)
            self._given_up = True
            _close_what_is_open()
            reason = " ".join(str(error).split()) or type(error).__name__
            _log.warning(
                "W&B failed (%s): going on without it; the run's files have it all", reason
            )

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log numbers."""
        numbers = {name: value for name, value in metrics.items() if math.isfinite(value)}
        self.attempt(lambda logger: logger.log_metrics(numbers, step))

    def log_hyperparams(self, params: Any, *_: Any, **__: Any) -> None:
        """Log the config."""
        self.attempt(lambda logger: logger.log_hyperparams(params))

    def finalize(self, status: str) -> None:
        """Close the W&B run; a further one of the same id is opened when there is more to log."""
        if self._logger is not None:
            code = 0 if status == "success" else 1
            self.attempt(lambda logger: logger.experiment.finish(exit_code=code))
        self._logger = None

    def _open(self, folder: Path) -> WandbLogger:
        """Open a run, offline where the server does not answer."""
        # W&B reports its errors home even from offline runs.
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        mode = _mode()
        try:
            return self._open_as(mode, folder)
        except Exception as error:
            if mode != "online":
                raise
            reason = " ".join(str(error).split())
            _log.warning("W&B's server cannot be used (%s): logging offline", reason)
            _let_go_of_the_id()
            return self._open_as("offline", folder)

    def _open_as(self, mode: str, folder: Path) -> WandbLogger:
        import wandb

        known = self._id_file is not None and self._id_file.is_file()
        settings = wandb.Settings(
            silent=True, console="off", init_timeout=PATIENCE_S, finish_timeout=PATIENCE_S
        )
        folder.mkdir(parents=True, exist_ok=True)
        run = wandb.init(
            project=self.project,
            entity=self.entity,
            dir=folder,
            id=self._id_file.read_text("utf-8").strip() if self._id_file and known else None,
            resume="allow",
            name=f"{folder.parent.name}/{folder.name}",
            mode=cast("Any", mode),  # W&B refuses what it does not know
            settings=settings,
        )
        # An axis of its own: W&B's begins at 0 again in each offline part.
        run.define_metric("trainer/global_step")
        run.define_metric("*", step_metric="trainer/global_step", step_sync=True)
        if mode != "disabled" and self._id_file is not None:
            self._id_file.parent.mkdir(parents=True, exist_ok=True)
            self._id_file.write_text(f"{run.id}\n", "utf-8")
        _log.info(_where(mode, run, folder))
        return WandbLogger(experiment=run)


def _close_what_is_open() -> None:
    """Close a run that has failed: the next one of the process would go on in it."""
    with suppress(Exception):
        import wandb

        if wandb.run is not None:
            wandb.run.finish(exit_code=1)


def _let_go_of_the_id() -> None:
    """End W&B's service, which takes an id that a refused run was to have for in use."""
    import wandb

    wandb.teardown()


def _mode() -> str:
    """What WANDB_MODE says, else online where there is an API key, else offline."""
    asked = os.environ.get("WANDB_MODE")
    return asked or ("online" if _has_key() else "offline")


def _has_key() -> bool:
    """Whether this user has an API key, in the environment or from ``wandb login``."""
    import wandb

    if os.environ.get("WANDB_API_KEY"):
        return True
    server = os.environ.get("WANDB_BASE_URL") or wandb.Settings().base_url
    file = Path(os.environ.get("NETRC") or Path.home() / ".netrc")
    try:
        return netrc.netrc(file).authenticators(urlsplit(server).hostname or "") is not None
    except (OSError, netrc.NetrcParseError):
        return False


def _where(mode: str, run: Any, folder: Path) -> str:
    if mode == "offline":
        return (
            f"W&B: offline, in {folder / 'wandb'}; to send it: wandb sync {run.settings.sync_dir}"
        )
    return f"W&B: {mode}" + (f", {run.url}" if run.url else "")
