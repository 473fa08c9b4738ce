"""The folder of an exported model and the names of its files, which no other module knows.

Imports neither torch nor Lightning.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

EXPORT = "export"  # the folder in that of a run or an ensemble
_CHUNK = 1 << 20  # bytes


@dataclass(frozen=True)
class ExportFolder:
    """The files of an exported model.

    Attributes:
        path: of the folder.
    """

    path: Path

    @property
    def onnx(self) -> Path:
        """The graph with its weights: from images to probabilities."""
        return self.path / "model.onnx"

    @property
    def weights(self) -> Path:
        """The weights of all networks."""
        return self.path / "model.safetensors"

    @property
    def config(self) -> Path:
        """How the networks are built that the weights belong to."""
        return self.path / "config.yaml"

    @property
    def int8(self) -> Path:
        """The graph with integers of 8 bits, for OpenVINO."""
        return self.path / "model_int8.xml"

    @property
    def int8_weights(self) -> Path:
        """The weights of that graph."""
        return self.path / "model_int8.bin"

    @property
    def record(self) -> Path:
        """What the model takes and gives, and where it comes from."""
        return self.path / "model.json"

    @property
    def card(self) -> Path:
        """The model card."""
        return self.path / "README.md"

    @property
    def example(self) -> Path:
        """A program that segments a case with the graph."""
        return self.path / "example.py"

    @property
    def is_export(self) -> bool:
        """Whether there is an exported model, as far as permissions tell."""
        try:
            return self.record.is_file()
        except OSError:
            return False

    def files(self) -> Iterator[Path]:
        """The files that are there besides the record, which describes them."""
        int8 = (self.int8, self.int8_weights)
        paths = (self.onnx, *int8, self.weights, self.config, self.card, self.example)
        return (path for path in paths if path.is_file())

    def foreign(self) -> list[str]:
        """The names of what is in the folder and is no file of a model, sorted."""
        known = {*self.files(), self.record, self.path / ".DS_Store"}
        return sorted(path.name for path in self.path.iterdir() if path not in known)


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            found.update(chunk)
    return found.hexdigest()
