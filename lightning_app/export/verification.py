"""Compares an exported file with the run: probabilities and masks of validation slices."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from data_modules.targets import Target
from data_modules.utils.words import counted
from lightning_app.export.file_records import Verified
from lightning_app.export.network import channel_probabilities
from lightning_app.export.runtimes.decoding import Images, Probabilities, Runner, decoded

LARGEST_DIFFERENCE = 1e-4  # between two probabilities
# A pixel may fall either way if its probability is that near to the threshold.
LARGEST_SHARE = 1e-5  # of the pixels of all masks


class VerificationError(Exception):
    """An exported file does not do what the run does. The message is one line."""


def verify(
    name: str,
    run: Runner,
    network: nn.Module,
    batches: Sequence[Images],
    target: Target,
    threshold: float,
) -> Verified:
    """Compare a file with the network of the run.

    Args:
        name: of the file.
        run: what the file makes of images.
        network: maps images to logits.
        batches: the images.
        target: what is segmented.
        threshold: of the masks.

    Raises:
        VerificationError: a probability differs by more than 1e-4, or more than one mask pixel in
            100,000.
    """
    differences, changed, pixels = [], 0, 0
    for images in batches:
        with torch.inference_mode():
            logits = network.eval()(torch.from_numpy(images))
            expected = channel_probabilities(logits, exclusive=target.exclusive).numpy()
            masks = target.decode(logits, threshold)
        found = run(images)
        differences.append(_distance(found, expected))
        found_masks = decoded(found, threshold, exclusive=target.exclusive)
        changed += int(np.count_nonzero(found_masks != masks.numpy()))
        pixels += masks.numel()
    sizes, largest = [len(images) for images in batches], max(differences)
    if largest > LARGEST_DIFFERENCE or changed > LARGEST_SHARE * pixels:
        raise VerificationError(
            f"{name} differs from the run on {counted(sum(sizes), 'validation slice')}: by up to "
            f"{largest:.2g} in a probability, expected {LARGEST_DIFFERENCE:g} at most, and in "
            f"{changed:,} of {counted(pixels, 'mask pixel')}, expected 1 in 100,000 at most; "
            "nothing was written"
        )
    return Verified(sum(sizes), sizes, largest, pixels, changed)


def _distance(found: Probabilities, expected: Probabilities) -> float:
    """The largest difference; a NaN is infinitely far from everything."""
    return float(np.nan_to_num(np.abs(found - expected), nan=np.inf).max())
