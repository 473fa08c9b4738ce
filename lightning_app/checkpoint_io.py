"""How checkpoints get to the disk and back: whole or not at all, and of a known format."""

import pickle
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import TorchCheckpointIO

from callbacks.whole_files import replacing
from lightning_app.errors import UsageError

FORMAT_KEY = "format"
FORMAT = 1  # raise it when older programs could not make sense of a checkpoint any more


class DurableCheckpointIO(TorchCheckpointIO):
    """Write beside the target, force it to the disk, rename.

    Lightning serialises into memory, writes to the system's folder for temporary files and moves:
    from another file system that is a copy, which a kill leaves half done.
    """

    def save_checkpoint(
        self,
        checkpoint: dict[str, Any],
        path: str | Path,
        storage_options: Any | None = None,  # noqa: ANN401 (Lightning's signature)
    ) -> None:
        """Save; the file that was there stays whole until the new one is.

        Raises:
            OSError: it cannot be written.
        """
        del storage_options
        with replacing(Path(path)) as temporary, temporary.open("wb") as file:
            try:
                torch.save({**checkpoint, FORMAT_KEY: FORMAT}, file)
            except RuntimeError as error:  # torch's, where it closes the archive nevertheless
                if isinstance(error.__context__, OSError):
                    raise error.__context__ from None
                raise

    def load_checkpoint(
        self,
        path: str | Path,
        map_location: Any | None = None,  # noqa: ANN401
        weights_only: bool | None = None,  # noqa: FBT001
    ) -> dict[str, Any]:
        """Load, on the CPU, without running code that a file might hold."""
        del map_location, weights_only
        return read_checkpoint(Path(path))


def read_checkpoint(path: Path, *, memory_map: bool = False) -> dict[str, Any]:
    """Read a checkpoint of this or an earlier format.

    Args:
        path: the file.
        memory_map: leave the tensors on the disk until they are looked at.

    Raises:
        UsageError: not there, damaged, no checkpoint, or of a later format.
    """
    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True, mmap=memory_map)
    except FileNotFoundError:
        raise UsageError(f"there is no checkpoint '{path}'") from None
    except (RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageError(
            f"checkpoint '{path}' cannot be loaded; it may be damaged: {reason}"
        ) from error
    if not isinstance(content, dict) or "state_dict" not in content:
        raise UsageError(f"'{path}' is no checkpoint of a training: it has no state_dict")
    made = content.get(FORMAT_KEY, 0)
    if made > FORMAT:
        raise UsageError(
            f"checkpoint '{path}' is of format {made}, expected {FORMAT} at most: it was written "
            "by a later version of the program"
        )
    return content
