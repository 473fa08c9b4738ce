"""What model.json says of the files of an exported model. Imports neither torch nor Lightning."""

from collections.abc import Sequence
from dataclasses import dataclass

from lightning_app.runs.record_values import Values

LARGEST_LOSS = 0.002  # of validation Dice by quantisation


@dataclass(frozen=True)
class Verified:
    """How a file was compared with the run on validation slices.

    Attributes:
        slices: that were compared.
        batch_sizes: of the batches.
        largest_difference: between two probabilities.
        pixels: of all masks.
        pixels_changed: of these.
    """

    slices: int
    batch_sizes: Sequence[int]
    largest_difference: float
    pixels: int
    pixels_changed: int

    @classmethod
    def from_values(cls, values: Values) -> "Verified":
        """From one of ``verification`` of model.json. Raises RecordError."""
        slices, sizes = values.whole_number("slices"), values.choice("batch_sizes")
        difference = values.number("largest_difference")
        numbers = map(values.whole_number, ("pixels", "pixels_changed"))
        return cls(slices, list(map(int, sizes)), difference, *numbers)


@dataclass(frozen=True)
class FileRecord:
    """A file of the folder: its size and its SHA-256."""

    bytes: int
    sha256: str

    @classmethod
    def from_values(cls, values: Values) -> "FileRecord":
        """From one of ``files`` of model.json. Raises RecordError."""
        return cls(values.whole_number("bytes"), values.text("sha256"))


@dataclass(frozen=True)
class Quantised:
    """How the quantised model compares with the run.

    Attributes:
        kind: of the numbers, such as int8.
        slices: of the training, by which the ranges of intensities were found.
        dice_float: validation Dice of the run, in float32.
        dice_quantised: that of the quantised model, which is in the folder if it is high enough.
    """

    kind: str
    slices: int
    dice_float: float
    dice_quantised: float

    @property
    def is_accepted(self) -> bool:
        """Whether the quantised model is accurate enough to be kept."""
        return self.dice_quantised >= self.dice_float - LARGEST_LOSS

    @classmethod
    def from_values(cls, values: Values) -> "Quantised":
        """From ``quantised`` of model.json. Raises RecordError."""
        dice = map(values.number, ("dice_float", "dice_quantised"))
        return cls(values.text("kind"), values.whole_number("slices"), *dice)
