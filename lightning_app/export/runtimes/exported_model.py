"""The folder of an exported model as it is read: anybody may have written or changed it.

Imports neither torch nor Lightning.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from data_modules.io import brain_mask
from data_modules.io.geometry import ORIENTATION
from data_modules.window import STEP
from lightning_app.export.folder import EXPORT, ExportFolder
from lightning_app.export.record import ModelRecord, read_model_record
from lightning_app.runs.record_values import RecordError
from lightning_app.utils.errors import UsageError


@dataclass(frozen=True)
class ExportedModel:
    """A model that ``export`` wrote.

    Attributes:
        folder: with its files.
        record: what it takes and gives.
    """

    folder: ExportFolder
    record: ModelRecord

    def read(self, path: Path) -> bytes:
        """The content of one of its files, if it is as ``export`` wrote it.

        Raises:
            UsageError: the file is not there, or is not the one of model.json.
            OSError: it cannot be read.
        """
        if not path.is_file():
            raise UsageError(f"--model: there is no file '{path}'")
        listed = self.record.files.get(path.name)
        if listed is None:
            raise UsageError(f"{path}: {self.folder.record.name} does not list it")
        content = path.read_bytes() if path.stat().st_size == listed.bytes else b""
        if hashlib.sha256(content).hexdigest() != listed.sha256:
            raise UsageError(
                f"{path}: it was changed since export wrote it: its SHA-256 is not that of "
                f"{self.folder.record.name}; export it again or fetch it again"
            )
        return content


def read_exported(path: Path) -> ExportedModel:
    """Read the record of a model.

    Raises:
        UsageError: there is no model in the folder.
        RecordError: model.json is damaged, or of a model whose images this version of the program
            would prepare in another way than its training.
    """
    folder = ExportFolder(path)
    if not folder.is_export:
        below = ExportFolder(path / EXPORT)
        hint = f"; there is one in '{below.path}'" if below.is_export else ""
        raise UsageError(
            f"--model '{path}' holds no {folder.record.name}: expected a folder that export "
            f"wrote{hint}"
        )
    record = read_model_record(folder.record)
    images = record.images
    for name, found, expected in (
        ("orientation", images.orientation, ORIENTATION),
        ("window_step", images.window_step, STEP),
        ("brain", dict(images.brain), brain_mask.NUMBERS),
    ):
        if found != expected:
            raise RecordError(
                folder.record,
                f"images.{name} is {found}, and this version of the program has {expected}",
            )
    return ExportedModel(folder, record)
