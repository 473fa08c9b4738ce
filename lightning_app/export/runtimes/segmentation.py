"""Segments a volume by a runtime, as the task segments it. Imports no torch."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from data_modules.case_volume import CaseVolume
from lightning_app.export.record import OutputRecord
from lightning_app.export.runtimes.decoding import Probabilities, Runner, decoded, of_classes
from lightning_app.postprocessing.postprocessing import Postprocessing
from lightning_app.utils.errors import UsageError


class Segmented(NamedTuple):
    """What is predicted for a volume.

    Attributes:
        labels: the label map to be written, uint8 (D, H, W).
        probabilities: of each class, float32 (classes, D, H, W).
    """

    labels: NDArray[np.uint8]
    probabilities: Probabilities


def segment(
    volume: CaseVolume, run: Runner, output: OutputRecord, postprocessing: Postprocessing
) -> Segmented:
    """The label map, after post-processing, and the probabilities of a volume.

    Slices without brain become background (0) and are not run.

    Args:
        volume: from files.
        run: gives the probabilities of slices.
        output: what they mean.
        postprocessing: the threshold, and what is done to the masks.

    Raises:
        UsageError: the runtime gives something else than probabilities.
    """
    image, window = volume.image, volume.window.pixels
    shape = (len(image), len(output.classes), *image.shape[2:])
    masks, probabilities = np.zeros(shape, np.bool_), np.zeros(shape, np.float32)
    with_brain = np.flatnonzero(image.any(axis=(1, 2, 3)))  # all other slices are 0
    threshold, exclusive = postprocessing.threshold, output.exclusive
    for index in with_brain.tolist():  # one by one, which is as fast as in batches
        found = run(np.ascontiguousarray(image[index : index + 1, :, *window]))
        _check(found, (1, output.channels, *image[0, 0][window].shape))
        masks[index, :, *window] = decoded(found, threshold, exclusive=exclusive)[0]
        probabilities[index, :, *window] = of_classes(found, exclusive=exclusive)[0]
    x, y, z = volume.spacing
    changed = postprocessing.apply(masks.swapaxes(0, 1), output.classes, (z, y, x))
    return Segmented(_label_map(changed, output), probabilities.swapaxes(0, 1))


def _check(found: Probabilities, expected: tuple[int, ...]) -> None:
    if found.shape != expected:
        raise UsageError(
            f"the model gives probabilities of the shape {found.shape}, expected {expected}"
        )


def _label_map(masks: NDArray[np.bool_], output: OutputRecord) -> NDArray[np.uint8]:
    """Labels (D, H, W) of masks (classes, D, H, W); later labels overwrite earlier ones."""
    labels = np.zeros(masks.shape[1:], np.uint8)
    for label in output.labels:
        labels[masks[output.classes.index(label.of_class)]] = label.value
    return labels
