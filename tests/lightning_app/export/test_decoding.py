"""NumPy makes the masks of a model's probabilities that the task makes of its logits."""

import numpy as np
import pytest
import torch

from data_modules.targets import TARGETS
from lightning_app.export.network import channel_probabilities
from lightning_app.export.runtimes.decoding import decoded


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7])
@pytest.mark.parametrize("name", TARGETS)
def test_masks_are_those_of_the_task(name: str, threshold: float) -> None:
    target = TARGETS[name]
    logits = torch.randn(2, target.channels, 5, 6, generator=torch.Generator().manual_seed(0))
    probabilities = channel_probabilities(logits, exclusive=target.exclusive).numpy()

    masks = decoded(probabilities, threshold, exclusive=target.exclusive)

    assert np.array_equal(masks, target.decode(logits, threshold).numpy())
