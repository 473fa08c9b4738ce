"""Checks the arguments of allowed classes that say where to write or to send something."""

import inspect
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jsonargparse import Namespace
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from lightning.pytorch.profilers import AdvancedProfiler, Profiler

from callbacks.wandb_logger import ForgivingWandbLogger
from lightning_app.config.named_objects import is_below, named_objects
from lightning_app.runs.folder import Run, is_run_name
from lightning_app.utils.errors import UsageError

Arguments = dict[str, Any]
Check = Callable[["OutputFolders", Arguments], None]
REGISTRY = "litmodels"  # the package that uploads checkpoints if trainer.model_registry is given


@dataclass(frozen=True)
class OutputFolders:
    """Where a command may write.

    Attributes:
        root: of the runs, as the user gave it.
        run: of the command.
    """

    root: Path
    run: Run

    def check(self, config: Namespace, trusted: Sequence[str]) -> None:
        """Refuse arguments with which an allowed class would write or send elsewhere.

        Args:
            config: of the command, parsed; nothing of it is built yet.
            trusted: names of classes whose arguments are not checked.

        Raises:
            UsageError: names the option.
        """
        for named in named_objects(config):
            if not named.is_trusted(trusted):
                for check in _checks_of(named.value):
                    with _refused(named.path, f"{named.option}."):
                        check(self, named.arguments)
        if not is_below(REGISTRY, trusted):
            with _refused(REGISTRY):
                _check_registry(config.trainer.model_registry)

    def check_folder(self, option: str, folder: str) -> None:
        """Refuse a folder that is not below the root of the runs, or in a run.

        Raises:
            ValueError: names the option.
        """
        # Loggers expand a home folder and variables. An unknown user is no error there.
        expanded = os.path.expanduser(os.path.expandvars(folder))  # noqa: PTH111
        if "://" in folder or not all(self._may_hold(Path(one)) for one in (folder, expanded)):
            raise ValueError(
                f"{option} is '{folder}', expected a folder below '{self.root}', outside its runs"
            )

    def _may_hold(self, folder: Path) -> bool:
        path = folder.resolve()
        for root in self._roots():
            if path.is_relative_to(root):
                below = [one for one in (path, *path.parents) if one.is_relative_to(root)]
                return not any(_is_run(one) for one in below if one != root)
        return False

    def _roots(self) -> list[Path]:
        """The root, and that of a run in its usual place below another one."""
        own = [self.run.path.parent.parent] if is_run_name(self.run.path.name) else []
        return [root.resolve() for root in (self.root, *own)]


def _is_run(path: Path) -> bool:
    return is_run_name(path.name) or Run(path).config.is_file()


def _check_log_folder(folders: OutputFolders, arguments: Arguments) -> None:
    parts = [arguments.get(name) for name in ("save_dir", "name", "version", "sub_dir")]
    written = os.path.join(*[str(part) for part in parts if part is not None])  # noqa: PTH118
    folders.check_folder("save_dir with name and version", written)


def _check_profile(folders: OutputFolders, arguments: Arguments) -> None:
    if arguments.get("dirpath") is not None:
        folders.check_folder("dirpath", str(arguments["dirpath"]))


def _check_stats(folders: OutputFolders, arguments: Arguments) -> None:
    if arguments.get("dump_stats"):  # through a folder that it makes in the working folder
        raise ValueError("dump_stats is true, expected false")


def _check_checkpoint(folders: OutputFolders, arguments: Arguments) -> None:
    folder, name = arguments.get("dirpath"), Path(arguments.get("filename") or "")
    own = folders.run.checkpoints.resolve()
    if folder is not None and not Path(folder).resolve().is_relative_to(own):
        raise ValueError(f"dirpath is '{folder}', expected null, for the checkpoints of the run")
    if name.is_absolute() or ".." in name.parts:
        raise ValueError(f"filename is '{name}', expected a file name")


def _check_entity(folders: OutputFolders, arguments: Arguments) -> None:
    """Whoever wrote the config would get the pictures of the validation cases."""
    entity = arguments.get("entity")
    if entity is not None and entity != os.environ.get("WANDB_ENTITY"):
        raise ValueError(
            f"entity is '{entity}', expected null or that of the variable WANDB_ENTITY"
        )


def _check_registry(name: str | None) -> None:
    if name is not None:  # Lightning uploads the checkpoints there
        raise ValueError(f"trainer.model_registry is '{name}', expected null")


_CHECKS: tuple[tuple[type, Check], ...] = (
    (CSVLogger, _check_log_folder),
    (TensorBoardLogger, _check_log_folder),
    (Profiler, _check_profile),
    (AdvancedProfiler, _check_stats),
    (ModelCheckpoint, _check_checkpoint),
    (ForgivingWandbLogger, _check_entity),
)


def _checks_of(value: Any) -> list[Check]:
    """The checks of a class and of those that it extends."""
    return [check for base, check in _CHECKS if inspect.isclass(value) and issubclass(value, base)]


@contextmanager
def _refused(path: str, option: str = "") -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise UsageError(
            f"{option}{error}; only if you know what this config does with it, add --trust {path}"
        ) from None
