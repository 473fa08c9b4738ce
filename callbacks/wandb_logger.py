"""A W&B logger that needs no account and never stops a training."""

import atexit
import logging
import math
import netrc
import os
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lightning.pytorch import Trainer
from lightning.pytorch.loggers import WandbLogger
from lightning.pytorch.loggers.logger import DummyLogger
from lightning.pytorch.utilities import rank_zero_only

from callbacks.utils.atomic_write import atomic_write
from callbacks.utils.file_names import check_file_name
from callbacks.utils.limited_calls import LimitedCalls
from callbacks.utils.private_api import without_launch_inputs
from callbacks.utils.unfinished import remove_leftovers
from callbacks.utils.wandb_service import end_service, use_writable_folders

_log = logging.getLogger(__name__)

SERVER_TIMEOUT_S = 30  # of W&B itself, for a server that does not answer
# To open a run, and to finish it. W&B's own limits come first: to start, then to connect.
OPEN_TIMEOUT_S = 2 * SERVER_TIMEOUT_S + 15
FINISH_TIMEOUT_S = SERVER_TIMEOUT_S + 5
# For any other call, which only passes data to W&B's service process on this machine. Schedulers
# kill a process half a minute after SIGTERM, and a training must have saved by then.
CALL_TIMEOUT_S = 20


class ForgivingWandbLogger(WandbLogger):
    """Log to W&B, offline unless there is an API key or WANDB_MODE says otherwise.

    A W&B run is opened when there is something to log and ``keep_in`` has been called; until then
    nothing is logged. If W&B fails, takes too long or is not installed, this is reported once, and
    nothing more is logged. Scores that are not finite are left out.

    Nor is anything logged once that folder has vanished.

    Args:
        project: The W&B project.
        entity: The W&B user or team; null for your default entity.
        log_checkpoint: Whether to upload the best checkpoint as an artifact.

    Raises:
        ValueError: ``project`` is a path.
    """

    def __init__(
        self,
        project: str = "brats-lightning",
        entity: str | None = None,
        *,
        log_checkpoint: bool = False,
    ) -> None:
        settings = {
            "silent": True,
            "console": "off",
            "init_timeout": SERVER_TIMEOUT_S,
            "finish_timeout": SERVER_TIMEOUT_S,
            "x_service_wait": SERVER_TIMEOUT_S,
        }
        # Lightning makes a folder of this name for the checkpoints of a ModelCheckpoint.
        check_file_name("trainer.logger.project", project)
        try:
            super().__init__(project=project, entity=entity, settings=settings)
        except ModuleNotFoundError:  # reported when there is something to log
            self._project, self._log_model, self._experiment = project, False, None
            self._wandb_init = {}
        self._wandb_init.pop("anonymous", None)  # W&B warns that it has no effect
        self._calls = LimitedCalls()
        self.log_checkpoint = log_checkpoint
        self._save_dir = None  # checkpoints belong in the trainer's root folder
        self._id_file: Path | None = None
        self._given_up = False

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the W&B run, which the base class would open."""
        return self.__dict__ | {"_experiment": None}

    @property
    def version(self) -> None:
        """None: Lightning would show the W&B id in the progress bar."""
        return

    @property
    def experiment(self) -> Any:
        """The W&B run; outside ``attempt`` it may be a dummy, which accepts any call.

        Lightning reads this before it sets up a training or a test, when it is too early to open a
        run.
        """
        return self._experiment or DummyLogger().experiment

    def keep_in(self, folder: Path, id_file: Path) -> None:
        """Set where W&B's files and the id of the W&B run are kept.

        Args:
            folder: An existing folder, in which W&B creates its folder ``wandb``.
            id_file: if it exists, the W&B run with this id is resumed; otherwise it is written.
        """
        self._wandb_init |= {"dir": str(folder), "name": f"{folder.parent.name}/{folder.name}"}
        self._id_file = id_file

    @property
    def _folder(self) -> Path:
        return Path(self._wandb_init["dir"])

    def keep_silent(self) -> None:
        """Log nothing from now on."""
        self._given_up = True

    @rank_zero_only
    def attempt(
        self,
        act: Callable[["ForgivingWandbLogger"], object],
        seconds: float = CALL_TIMEOUT_S,
    ) -> None:
        """Call a function that uses W&B; if it fails, log nothing from now on.

        Args:
            act: is called in another thread.
            seconds: the time that it may take.
        """
        if self._given_up or self._id_file is None or not self._folder.is_dir():
            return  # W&B would make a folder again that has been moved
        try:
            if self._experiment is None:
                self._open_or_fall_back()
            self._calls.call(lambda: act(self), seconds)
        except Exception as error:  # noqa: BLE001 (no failure of W&B may stop the training)
            if not self._given_up:  # within another attempt, this is the second report
                self._give_up(error)

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log what is finite; media are logged as they are."""
        loggable = {
            name: value
            for name, value in metrics.items()
            if not isinstance(value, float) or math.isfinite(value)
        }
        self.attempt(lambda logger: WandbLogger.log_metrics(logger, loggable, step))

    def log_hyperparams(self, params: Any) -> None:
        """Add to the config of the W&B run."""
        self.attempt(lambda logger: WandbLogger.log_hyperparams(logger, params))

    def finalize(self, status: str) -> None:
        """Finish the W&B run; if there is more to log, the next one resumes it."""
        if self._experiment is not None:
            code = 0 if status == "success" else 1
            self.attempt(lambda logger: logger.experiment.finish(exit_code=code), FINISH_TIMEOUT_S)
        self._experiment = None

    def _give_up(self, error: Exception) -> None:
        self._given_up = True
        end_service(self._calls, failed=True)
        reason = _in_one_line(error) or type(error).__name__
        if isinstance(error, ImportError):
            _log.warning("W&B cannot be imported (%s): the scores are in metrics.csv", reason)
            return
        _log.warning(
            "W&B failed (%s): the training continues without it; the run's folder has all scores",
            reason,
        )

    def _open_or_fall_back(self) -> None:
        # Even for offline runs, W&B sends reports of its errors to its server.
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        mode = self._calls.call(_mode, OPEN_TIMEOUT_S)
        try:
            self._calls.call(lambda: self._open(mode), OPEN_TIMEOUT_S)
        except Exception as error:
            if mode != "online":
                raise
            _log.warning("W&B's server cannot be used (%s): logging offline", _in_one_line(error))
            # Otherwise W&B's service takes the id of the failed run to be in use.
            end_service(self._calls, failed=True)
            self._experiment = None
            self._calls.call(lambda: self._open("offline"), OPEN_TIMEOUT_S)
        atexit.register(end_service, self._calls)

    def _open(self, mode: str) -> None:
        assert self._id_file is not None
        saved = _saved_id(self._id_file)
        self._wandb_init |= {"mode": mode, "id": saved}
        if saved is None:
            _warn_of_shared_id()
        use_writable_folders(self._folder / "wandb")
        with without_launch_inputs():
            run: Any = super().experiment  # opens it
        if mode != "disabled":
            self._id_file.parent.mkdir(exist_ok=True)
            remove_leftovers(self._id_file.parent)
            with atomic_write(self._id_file) as temporary:
                temporary.write_text(f"{run.id}\n", "utf-8")
        if mode == "offline":
            # The command has a line of its own: no terminal breaks its path or adds to it.
            _log.info("W&B: offline. To send it:\n  wandb sync %s", _word(run.settings.sync_dir))
        else:
            _log.info("W&B: %s%s", mode, f", {run.url}" if run.url else "")


def forgiving_loggers(trainer: Trainer) -> list[ForgivingWandbLogger]:
    """The trainer's loggers of this class."""
    return [logger for logger in trainer.loggers if isinstance(logger, ForgivingWandbLogger)]


def _saved_id(file: Path) -> str | None:
    """The id in a file. A link is not followed: what it points to would be sent to W&B."""
    if file.is_symlink() or not file.is_file():
        return None
    return file.read_text("utf-8").strip()


def _warn_of_shared_id() -> None:
    """Outside a sweep, whose agent sets it anew for each trial, a shell keeps WANDB_RUN_ID."""
    shared = os.environ.get("WANDB_RUN_ID")
    if shared and "WANDB_SWEEP_ID" not in os.environ:
        _log.warning(
            "W&B's id of this run is '%s', from WANDB_RUN_ID: another run with it would be logged "
            "over this one",
            shared,
        )


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _word(folder: str) -> str:
    """A folder as a word of a shell command, relative to the working folder if it is below."""
    path, here = Path(folder), Path.cwd()
    return shlex.quote(str(path.relative_to(here) if path.is_relative_to(here) else path))


def _mode() -> str:
    return os.environ.get("WANDB_MODE") or ("online" if _has_key() else "offline")


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
