"""An exported file is refused if a probability differs, or more pixels than round either way."""

import numpy as np
import pytest
import torch
from torch import nn

from data_modules.targets import TARGETS
from lightning_app.export.file_records import Verified
from lightning_app.export.runtimes.decoding import Images
from lightning_app.export.verification import VerificationError, verify

WHOLE, LABELS = TARGETS["whole"], TARGETS["labels"]
# One channel of logits as the image; the second image has a pixel just above the threshold.
BATCHES = [np.full((1, 1, 2, 2), -1, np.float32), np.full((2, 1, 2, 2), 1e-6, np.float32)]


def probabilities(images: Images) -> Images:
    return torch.from_numpy(images).sigmoid().numpy()


def test_a_file_that_does_the_same() -> None:
    found = verify("f", probabilities, nn.Identity(), BATCHES, WHOLE, 0.5)
    assert found == Verified(3, [1, 2], 0.0, 12, 0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (2e-4, "by up to 0.0002 in a probability, expected 0.0001 at most, and in 0 of 12 mask"),
        (-2e-6, "by up to 2e-06 in a probability, expected 0.0001 at most, and in 8 of 12 mask"),
        (np.nan, "by up to inf in a probability"),
    ],
)
def test_a_file_that_does_something_else(change: float, reason: str) -> None:
    def run(images: Images) -> Images:
        return probabilities(images) + np.float32(change)

    with pytest.raises(VerificationError) as error:
        verify("model.onnx", run, nn.Identity(), BATCHES, WHOLE, 0.5)
    assert reason in str(error.value)
    assert str(error.value).startswith("model.onnx differs from the run on 3 validation slices: ")


def test_a_pixel_at_the_threshold_may_fall_either_way() -> None:
    logits = np.full((1, 1, 500, 400), -1, np.float32)
    logits.flat[:2] = 1e-7

    def run(images: Images, flipped: int) -> Images:
        found = probabilities(images)
        found.flat[:flipped] -= np.float32(2e-7)
        return found

    found = verify("f", lambda images: run(images, 2), nn.Identity(), [logits], WHOLE, 0.5)
    assert (found.pixels, found.pixels_changed) == (200_000, 2)

    logits.flat[2] = 1e-7
    with pytest.raises(VerificationError, match="in 3 of 200,000 mask pixels, expected 1 in"):
        verify("f", lambda images: run(images, 3), nn.Identity(), [logits], WHOLE, 0.5)


def test_exclusive_classes_are_won_by_the_most_probable_channel() -> None:
    logits = np.array([[0.0, 1, 0, 0], [2, 0, 0, 1], [0, 0, 0, 3]], np.float32)
    batch = [logits.T.reshape(1, 4, 1, 3)]

    def softmax(images: Images) -> Images:
        return torch.from_numpy(images).softmax(dim=1).numpy()

    found = verify("f", softmax, nn.Identity(), batch, LABELS, 0.5)
    assert (found.pixels, found.pixels_changed) == (9, 0)

    with pytest.raises(VerificationError, match="in 4 of 9 mask pixels"):
        verify("f", lambda images: softmax(images)[:, ::-1], nn.Identity(), batch, LABELS, 0.5)
