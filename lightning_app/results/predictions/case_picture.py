"""Draws what is predicted for a case. Imports no torch."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lightning_app.results.plots import draw_batch

SLICES = 8


def draw_case(
    path: Path,
    case: str,
    image: NDArray[np.float32],
    labels: NDArray[np.uint8],
    written: Sequence[tuple[int, str]],
) -> None:
    """Draw up to eight slices of a case, the predicted classes outlined.

    The slices are evenly spaced over those with predicted tumour, or over those with brain if there
    is no tumour.

    Args:
        path: the picture.
        case: its id.
        image: (D, modalities, H, W).
        labels: (D, H, W).
        written: the values in them, and their meanings.
    """
    chosen = _spread(labels)
    if not len(chosen):
        chosen = _spread(image)
    masks = np.stack([labels[chosen] == value for value, _ in written], axis=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    titles = [f"slice {index}" for index in chosen]
    names = [name for _, name in written]
    draw_batch(path, image[chosen], masks, titles, names, case)


def _spread(volume: NDArray[np.generic]) -> NDArray[np.intp]:
    """Up to eight of the slices of a volume (D, ...) that are not 0, evenly spaced."""
    indices = np.flatnonzero(volume.reshape(len(volume), -1).any(axis=1))
    shown = np.linspace(0, len(indices) - 1, min(SLICES, len(indices)))
    chosen: NDArray[np.intp] = indices[shown.round().astype(int)]
    return chosen
