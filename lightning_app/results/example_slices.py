"""One slice of each case, for pictures: masks.npz, images.npz and cases.png. Imports no torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from callbacks.utils.atomic_write import atomic_write
from lightning_app.metrics.count_table import CountTable
from lightning_app.metrics.evaluate import case_dice
from lightning_app.results.plots import Example, draw_examples
from lightning_app.runs.folder import TestFolder

LONGEST_SIDE = 10_000  # of images, in pixels, and the most cases: anything larger is damaged


@dataclass(frozen=True)
class ExampleSlices:
    """The tested slice of each case with the most target.

    If several slices have equally much, the lowest of them; if none has any, the middle slice.

    Attributes:
        cases: (cases,) ids.
        slices: (cases,) indices in the volumes.
        images: uint8 (cases, H, W), the first modality in grey.
        reference: bool (cases, classes, H, W).
        prediction: bool (cases, classes, H, W).
    """

    cases: list[str]
    slices: NDArray[np.int64]
    images: NDArray[np.uint8]
    reference: NDArray[np.bool_]
    prediction: NDArray[np.bool_]

    def write(self, folder: TestFolder) -> None:
        """Write masks.npz and images.npz."""
        names = np.array(self.cases)
        # Bits instead of bytes, to be read back by unpackbits(..., count=width).
        _write_npz(
            folder.masks,
            case=names,
            slice=self.slices,
            width=np.array(self.reference.shape[-1]),
            truth=np.packbits(self.reference, axis=-1),
            prediction=np.packbits(self.prediction, axis=-1),
        )
        _write_npz(folder.images, case=names, slice=self.slices, image=self.images)

    def draw(self, path: Path, table: CountTable, origin: str) -> None:
        """Draw the best, the median and the worst of the cases with target.

        Args:
            path: the picture.
            table: counts by case.
            origin: names the data.
        """
        dice = dict(zip(table.cases, case_dice(table).mean(axis=1).tolist(), strict=True))
        # A case without tumour that is predicted empty is right, but shows nothing.
        cases = range(len(self.cases))
        shown = [index for index in cases if self.reference[index].any()] or list(cases)
        ranked = sorted(shown, key=lambda index: -dice[self.cases[index]])
        # If there are fewer than three cases, none is drawn twice.
        titles = {ranked[len(ranked) // 2]: "median", ranked[-1]: "worst", ranked[0]: "best"}
        examples = [
            Example(
                f"{titles[index]}: {self.cases[index]}, slice {self.slices[index]}, "
                f"Dice of the case {dice[self.cases[index]]:.3f}",
                self.images[index],
                self.reference[index],
                self.prediction[index],
            )
            for index in ranked
            if index in titles
        ]
        draw_examples(path, examples, table.classes, origin)


def read_example_slices(folder: TestFolder) -> ExampleSlices:
    """Read masks.npz and images.npz.

    Raises:
        ValueError: they are missing, damaged, or belong to different cases.
    """
    try:
        masks, images = _read_npz(folder.masks), _read_npz(folder.images)
        _check_masks(masks)
        _check_images(images, masks)
        width = int(masks["width"])
        return ExampleSlices(
            masks["case"].tolist(),
            masks["slice"],
            images["image"],
            _unpack(masks["truth"], width),
            _unpack(masks["prediction"], width),
        )
    except Exception as error:  # a damaged archive raises errors of zipfile, zlib, pickle or NumPy
        raise ValueError(f"masks cannot be read: {type(error).__name__}: {error}") from error


def joined(parts: Sequence[ExampleSlices]) -> ExampleSlices:
    """The slices of several tests, in the order of their cases.

    Raises:
        ValueError: they differ in size or number of classes.
    """
    if len(parts) == 1:
        return parts[0]
    cases = list(chain.from_iterable(part.cases for part in parts))
    order = sorted(range(len(cases)), key=lambda index: cases[index])
    slices, images, reference, prediction = (
        np.concatenate([getattr(part, name) for part in parts])[order]
        for name in ("slices", "images", "reference", "prediction")
    )
    return ExampleSlices([cases[index] for index in order], slices, images, reference, prediction)


def _check_masks(masks: Mapping[str, NDArray[Any]]) -> None:
    """Check what masks.npz holds, before packed bits are unpacked to the width that it names."""
    bits, cases = masks["truth"], masks["case"]
    _check_array("truth", bits, bits.shape, "uint8")
    _check_array("prediction", masks["prediction"], bits.shape, "uint8")
    _check_array("slice", masks["slice"].astype(np.int64, casting="safe"), cases.shape, "int64")
    if cases.ndim != 1 or cases.dtype.kind != "U" or bits.ndim != 4 or len(cases) != len(bits):
        raise ValueError(f"case has the shape {cases.shape} and truth {bits.shape}")
    width = int(masks["width"])
    if not all(0 < side <= LONGEST_SIDE for side in (len(bits), *bits.shape[1:3], width)):
        raise ValueError(f"truth has the shape {bits.shape}, {width} pixels wide")
    if bits.shape[-1] != -(-width // 8):
        raise ValueError(f"truth has {bits.shape[-1]} bytes for {width} pixels")


def _check_images(images: Mapping[str, NDArray[Any]], masks: Mapping[str, NDArray[Any]]) -> None:
    cases, _, height, _ = masks["truth"].shape
    _check_array("image", images["image"], (cases, height, int(masks["width"])), "uint8")
    if images["case"].tolist() != masks["case"].tolist():
        raise ValueError("masks and images belong to different cases")


def _check_array(name: str, array: NDArray[Any], shape: tuple[int, ...], dtype: str) -> None:
    if array.shape != shape or array.dtype != dtype:
        raise ValueError(
            f"{name} is {array.dtype} of the shape {array.shape}, expected {dtype} of {shape}"
        )


def _unpack(bits: NDArray[np.uint8], width: int) -> NDArray[np.bool_]:
    return np.unpackbits(bits, axis=-1, count=width).astype(np.bool_)


def _read_npz(path: Path) -> dict[str, NDArray[Any]]:
    with path.open("rb") as file, np.load(file) as stored:  # np.load(path) leaks damaged files
        return dict(stored)


def _write_npz(path: Path, **arrays: NDArray[Any]) -> None:
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
