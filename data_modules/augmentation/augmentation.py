"""The transforms of a training, and what makes them reproducible."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from data_modules.augmentation.transform import Transform
from data_modules.batch_dataset import Batch


class Drawn(NamedTuple):
    """What a transform changes in a batch.

    Attributes:
        rows: int64 (k,), the samples that it changes.
        parameters: (k, ...), of each of them; floats as float32.
    """

    rows: Tensor
    parameters: Tensor

    def pinned(self) -> "Drawn":
        """The same in pinned memory, from which the copy to a GPU need not be waited for."""
        return Drawn(self.rows.pin_memory(), self.parameters.pin_memory())


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

    def draw(self, epoch: int, samples: Sequence[int]) -> list[Drawn]:
        """Draw what each transform changes in some samples, on the host."""
        drawn = []
        for stream, transform in enumerate(self.transforms, self.first_stream):
            assert isinstance(transform, Transform)
            generators = [self._generator(epoch, sample, stream) for sample in samples]
            by_row = {row: transform.draw(rng) for row, rng in enumerate(generators)}
            changed = {row: value for row, value in by_row.items() if value is not None}
            values = torch.from_numpy(np.array(list(changed.values())))
            drawn.append(
                Drawn(
                    torch.tensor(list(changed), dtype=torch.int64),
                    values.float() if values.is_floating_point() else values,
                )
            )
        return drawn

    def forward(self, batch: Batch, drawn: Sequence[Drawn]) -> Batch:
        """Apply the transforms to a batch, with what ``draw`` returned for its samples.

        They compute in float32, whatever the precision of the images. They move to the device of
        the batch: a data module's are not part of the model, which is all that a Trainer moves.
        """
        image, labels = batch["image"].float(), batch["labels"]
        self.to(image.device)
        for transform, (rows, parameters) in zip(self.transforms, drawn, strict=True):
            if len(rows) == len(image):
                image, labels = transform(image, labels, parameters)
            elif len(rows):
                changed, masks = transform(image[rows], labels[rows], parameters)
                image = image.index_copy(0, rows, changed)
                labels = labels.index_copy(0, rows, masks)
        return {**batch, "image": image.to(batch["image"].dtype), "labels": labels}

    def augment(self, batch: Batch, epoch: int) -> Batch:
        """Draw for a batch on the host, and apply."""
        augmented: Batch = self(batch, self.draw(epoch, batch["sample"].tolist()))
        return augmented

    def _generator(self, epoch: int, sample: int, stream: int) -> np.random.Generator:
        # Stream 0 has no fourth number: it draws the flips of runs from before there were streams.
        numbers = (self.seed, epoch, sample)
        return np.random.default_rng(numbers if stream == 0 else (*numbers, stream))
