"""From the probabilities of an exported model to masks. NumPy only."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.float32]  # (N, modalities, H, W)
Probabilities = NDArray[np.float32]  # of the channels, (N, channels, H, W)
Runner = Callable[[Images], Probabilities]


def decoded(
    probabilities: Probabilities, threshold: float, *, exclusive: bool
) -> NDArray[np.bool_]:
    """Masks of the classes, (N, classes, H, W).

    Args:
        probabilities: of the channels.
        threshold: above it a pixel belongs to a class, and to those around it, which come before
            it, unless classes exclude one another.
        exclusive: whether they do: the most probable channel wins, and channel 0 is the background.
    """
    if exclusive:
        winner = probabilities.argmax(axis=1)[:, np.newaxis]
        masks: NDArray[np.bool_] = winner == np.arange(1, probabilities.shape[1])[:, None, None]
        return masks
    above = (probabilities > threshold)[:, ::-1]
    return np.logical_or.accumulate(above, axis=1)[:, ::-1]


def of_classes(probabilities: Probabilities, *, exclusive: bool) -> Probabilities:
    """The probabilities of the classes, (N, classes, H, W), without that of the background."""
    return probabilities[:, 1:] if exclusive else probabilities
