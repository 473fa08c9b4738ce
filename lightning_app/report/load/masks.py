"""The masks that a test left for pictures."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_app.report.load.runs import TestedRun, in_words


@dataclass(frozen=True)
class Masks:
    """One slice a case, for pictures.

    Attributes:
        cases: (cases,) ids.
        slices: (cases,) indices in the volumes.
        images: uint8 (cases, H, W).
        truth: bool (cases, classes, H, W).
        prediction: bool (cases, classes, H, W).
    """

    cases: list[str]
    slices: list[int]
    images: NDArray[np.uint8]
    truth: NDArray[np.bool_]
    prediction: NDArray[np.bool_]


def read_masks(tested: TestedRun) -> Masks:
    """The masks and images of a test.

    Raises:
        ValueError: they are missing, or damaged.
    """
    folder = tested.run.test()
    try:
        stored, pictures = _arrays(folder.masks), _arrays(folder.images)
        width = int(stored["width"])
        masks = Masks(
            stored["case"].tolist(),
            stored["slice"].tolist(),
            pictures["image"],
            _unpacked(stored["truth"], width),
            _unpacked(stored["prediction"], width),
        )
    except Exception as error:
        # A damaged archive ends in errors of zipfile, zlib, pickle or NumPy.
        raise ValueError(f"masks cannot be read: {in_words(error)}") from error
    if masks.cases != pictures["case"].tolist():
        raise ValueError("masks and images are of different cases")
    return masks


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    with path.open("rb") as file, np.load(file) as stored:  # alone, NumPy leaves bad files open
        return dict(stored)


def _unpacked(bits: NDArray[np.uint8], width: int) -> NDArray[np.bool_]:
    return np.unpackbits(bits, axis=-1, count=width).astype(np.bool_)
