"""The transforms of a training, and what makes them reproducible."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from data_modules.augmentation.transform import Transform
from data_modules.batch_dataset import Batch


class Augmentation(nn.Module):
    """Apply transforms to training batches, one after the other.

    Parameters are a function of (seed, epoch, sample) and the position of a transform, so they do
    not depend on loader workers, devices, batches or resuming, and appending a transform leaves
    the parameters of the others as they are.

    Args:
        transforms: The transforms, in order.
        seed: Seed of all parameters.
        first_stream: Number of the random stream of the first transform; the others count on.
    """

    def __init__(self, transforms: Sequence[Transform], seed: int, first_stream: int = 0) -> None:
        super().__init__()
        self.transforms = nn.ModuleList(transforms)
        self.seed = seed
        self.first_stream = first_stream

    def draw(self, epoch: int, samples: Sequence[int]) -> list[Tensor]:
        """Draw the parameters of some samples, on the host.

        Returns:
            For each transform a tensor (N, ...), floats as float32.
        """
        parameters = []
        for stream, transform in enumerate(self.transforms, self.first_stream):
            assert isinstance(transform, Transform)
            generators = (self._generator(epoch, sample, stream) for sample in samples)
            drawn = torch.from_numpy(np.array([transform.draw(rng) for rng in generators]))
            parameters.append(drawn.float() if drawn.is_floating_point() else drawn)
        return parameters

    def forward(self, batch: Batch, parameters: Sequence[Tensor]) -> Batch:
        """Apply the transforms to a batch, with what ``draw`` returned for its samples.

        The transforms move to the device of the batch: a data module's are not part of the model,
        which is all that a Trainer moves.
        """
        image, labels = batch["image"], batch["labels"]
        self.to(image.device)
        for transform, drawn in zip(self.transforms, parameters, strict=True):
            image, labels = transform(image, labels, drawn)
        return {**batch, "image": image, "labels": labels}

    def augment(self, batch: Batch, epoch: int) -> Batch:
        """Draw for a batch on the host, and apply."""
        augmented: Batch = self(batch, self.draw(epoch, batch["sample"].tolist()))
        return augmented

    def _generator(self, epoch: int, sample: int, stream: int) -> np.random.Generator:
        # Stream 0 has no fourth number: it draws the flips of runs from before there were streams.
        numbers = (self.seed, epoch, sample)
        return np.random.default_rng(numbers if stream == 0 else (*numbers, stream))
