"""Writes what is predicted for a case: label map and probabilities. Imports no torch."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_modules.catalog.cases import Case
from data_modules.io.writers import write_label_map, write_probabilities
from lightning_app.metrics.volume.masks import MM3_PER_ML
from lightning_app.postprocessing.postprocessing import Postprocessing
from lightning_app.results.predictions.label_map_folder import LabelMapFolder, Note


@dataclass(frozen=True)
class Meaning:
    """What a prediction is of.

    Attributes:
        target: its name in ``data.target``.
        classes: their names.
        written: for each class its value in label maps, and what that means.
        postprocessing: of the masks.
        modalities: the network's channels; files lie on the grid of the first.
    """

    target: str
    classes: Sequence[str]
    written: Sequence[tuple[int, str]]
    postprocessing: Postprocessing
    modalities: Sequence[str]


def write_case_labels(
    folder: LabelMapFolder,
    case: Case,
    labels: NDArray[np.uint8],
    spacing: Sequence[float],
    meaning: Meaning,
) -> None:
    """Write a label map on the voxel grid of its image file, and a JSON about it.

    Args:
        folder: gets them.
        case: that was segmented.
        labels: (D, H, W) in LPS order.
        spacing: in mm along x, y, z.
        meaning: of the labels.

    Raises:
        OSError: they cannot be written; earlier ones are kept.
    """
    first, done = meaning.modalities[0], meaning.postprocessing
    source, voxel_ml = case.images[first], math.prod(spacing) / MM3_PER_ML

    def write_mask(path: Path) -> Note:
        written = write_label_map(path, labels, source, case.channel(first))
        voxels = {str(v): int((written == v).sum()) for v, _ in meaning.written}
        return {
            "labels": {str(value): name for value, name in meaning.written},
            "target": meaning.target,
            "postprocessing": None if done.is_nothing else done.to_json(),
            "modalities": list(meaning.modalities),
            "input": str(source),
            "voxels": voxels,
            "ml": {value: round(number * voxel_ml, 3) for value, number in voxels.items()},
        }

    folder.write(case.id, write_mask)


def write_case_probabilities(
    folder: LabelMapFolder, case: Case, probabilities: NDArray[np.float32], meaning: Meaning
) -> None:
    """Write probabilities on the voxel grid of the image file, and a JSON about them.

    Args:
        folder: gets them.
        case: that was segmented.
        probabilities: (classes, D, H, W) in LPS order.
        meaning: of the classes.

    Raises:
        OSError: they cannot be written; earlier ones are kept.
    """
    first = meaning.modalities[0]
    source = case.images[first]

    def write(path: Path) -> Note:
        written = write_probabilities(path, probabilities, source, case.channel(first))
        return {
            "labels": {str(index): name for index, name in enumerate(meaning.classes)},
            "target": meaning.target,
            "modalities": list(meaning.modalities),
            "input": str(source),
            "voxels": {
                str(index): int((of_class > 0.5).sum()) for index, of_class in enumerate(written)
            },
        }

    folder.write(case.id, write)
