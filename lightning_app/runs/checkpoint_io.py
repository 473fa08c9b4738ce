"""Reads and writes checkpoints: atomically, and in a known format."""

import logging
import os
import re
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, BadZipFile, ZipFile

import lightning
import torch
from lightning.fabric.plugins import TorchCheckpointIO

from callbacks.utils.atomic_write import atomic_write
from lightning_app.utils.errors import UsageError

_log = logging.getLogger(__name__)

FORMAT_KEY = "format"
_FORBIDDEN = re.compile(
    r"(?:Unsupported|unsupported) (?:global|GLOBAL)\S* (?:GLOBAL )?(?P<name>[\w.]+)"
)
_ZIP = b"PK\x03\x04"
FORMAT = 1  # to be raised if earlier versions of the program could misread a checkpoint
WEIGHTS_ONLY = "best.ckpt"  # a training is resumed from last.ckpt
# Twice as large as the weights with Adam; and the weights that are trained, if others are averaged.
_TRAINING_STATE = ("optimizer_states", "current_model_state", "averaging_state")


class DurableCheckpointIO(TorchCheckpointIO):
    """Write to a temporary file beside the target, fsync, and rename.

    Lightning serialises into memory, writes to the system's temporary folder and moves the file.
    Across file systems that is a copy, which a kill leaves incomplete.

    Args:
        folder: of the run's checkpoints.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self._saved: set[Path] = set()

    def save_checkpoint(
        self,
        checkpoint: dict[str, Any],
        path: str | Path,
        storage_options: Any | None = None,
    ) -> None:
        """Save a checkpoint; an earlier file stays complete until the new file is.

        That of the best epoch is saved without what only resuming needs.

        Raises:
            OSError: it cannot be written.
        """
        left_out = _TRAINING_STATE if Path(path).name == WEIGHTS_ONLY else ()
        content = {key: value for key, value in checkpoint.items() if key not in left_out}
        with atomic_write(Path(path)) as temporary, temporary.open("wb") as file:
            try:
                torch.save({**content, FORMAT_KEY: FORMAT}, file)
            except (
                RuntimeError
            ) as error:  # torch's own, while it closes the archive of a failed write
                if isinstance(error.__context__, OSError):
                    raise error.__context__ from None
                raise
        self._saved.add(Path(path).resolve())

    def load_checkpoint(
        self,
        path: str | Path,
        map_location: Any | None = None,
        weights_only: bool | None = None,  # noqa: FBT001
    ) -> dict[str, Any]:
        """Load to the CPU, without running code that the file might hold."""
        return read_checkpoint(Path(path))

    def remove_checkpoint(self, path: str | Path) -> None:
        """Remove a checkpoint of the run, or one that was saved here.

        Lightning also removes what the state in a checkpoint calls its earlier best. That may be
        any path, and Lightning's method removes folders with all that they hold.
        """
        path = Path(path)
        resolved = path.resolve()
        is_own = resolved.is_relative_to(self.folder.resolve()) or resolved in self._saved
        is_checkpoint = path.suffix == ".ckpt" and path.is_file() and not path.is_symlink()
        if is_own and is_checkpoint:
            path.unlink()
        elif os.path.lexists(path):
            _log.warning("'%s' is not removed: it is not a checkpoint of this run", path)


class WeightsIO(DurableCheckpointIO):
    """For commands that use trained weights: nothing else of a checkpoint reaches the trainer."""

    def load_checkpoint(
        self,
        path: str | Path,
        map_location: Any | None = None,
        weights_only: bool | None = None,  # noqa: FBT001
    ) -> dict[str, Any]:
        """Load the weights, with the entry that Lightning cannot do without."""
        weights = super().load_checkpoint(path)["state_dict"]
        return {"state_dict": weights, "pytorch-lightning_version": lightning.__version__}


def read_checkpoint(path: Path, *, memory_map: bool = False) -> dict[str, Any]:
    """Read a checkpoint of this or an earlier format.

    Args:
        path: the file.
        memory_map: leave the tensors on the disk until they are read.

    Raises:
        UsageError: the file is missing, damaged, not a checkpoint, or of a later format.
    """
    try:
        _check_archive(path)
        content: Any = torch.load(path, map_location="cpu", weights_only=True, mmap=memory_map)
    except FileNotFoundError:
        raise UsageError(f"there is no checkpoint '{path}'") from None
    except Exception as error:  # a file that is not a pickle may raise anything
        raise UsageError(f"checkpoint '{path}' {_reason(error)}") from error
    if not isinstance(content, dict) or not _is_state(content.get("state_dict")):
        raise UsageError(f"'{path}' is not a checkpoint of a training: it has no state_dict")
    made = content.get(FORMAT_KEY, 0)
    if not isinstance(made, int) or made > FORMAT:
        raise UsageError(
            f"checkpoint '{path}' is of format {made}, expected {FORMAT} at most: it was written "
            "by a later version of the program"
        )
    return content


def _check_archive(path: Path) -> None:
    """Check that a file unpacks to no more than it holds; torch would read it all into memory.

    Raises:
        BadZipFile: it is not a zip file, as checkpoints are.
        ValueError: its records are compressed, or overlap.
    """
    with path.open("rb") as file:
        if file.read(len(_ZIP)) != _ZIP:  # torch would read a pickle that ends in a zip file
            raise BadZipFile("it is not a zip file")
    with ZipFile(path) as archive:
        records = archive.infolist()
    unpacked, stored = sum(record.file_size for record in records), path.stat().st_size
    if unpacked > stored or any(record.compress_type != ZIP_STORED for record in records):
        raise ValueError(
            f"it unpacks from {stored} to {unpacked} bytes, expected records without compression"
        )


def _is_state(state: Any) -> bool:
    return isinstance(state, dict) and all(
        isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in state.items()
    )


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"cannot be read: {error.strerror}"
    if named := _FORBIDDEN.search(str(error)):
        return (
            f"names '{named['name']}', which is not data but code: it was not run, and the file "
            "is not loaded; take checkpoints only from people you trust"
        )
    first = str(error).splitlines()[0] if str(error) else type(error).__name__
    if first.startswith(
        "Weights only load failed"
    ):  # torch's advice that follows is to run the code in it
        first = "it holds more than weights and plain values"
    return f"cannot be loaded; it may be damaged: {first}"
