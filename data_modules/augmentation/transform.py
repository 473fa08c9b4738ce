"""What every transform of training batches provides."""

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor, nn


class Transform(nn.Module, ABC):
    """One random change of images and labels.

    Whatever is random comes from ``draw``. It runs on the host, once per sample, before the batch
    is sent to the device. ``forward`` then changes the whole batch there, and draws nothing.
    Constants that ``forward`` needs are registered buffers: those are moved to the device.
    """

    @abstractmethod
    def draw(self, rng: np.random.Generator) -> ArrayLike | None:
        """Draw the parameters of one sample: a number, or an array of the same shape every time.

        Args:
            rng: The generator of this transform, epoch and sample, and of nothing else.

        Returns:
            None if the sample stays as it is; ``forward`` then does not get it.
        """

    @abstractmethod
    def forward(self, image: Tensor, labels: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """Change a batch.

        Do not read values of tensors here (``if tensor``, ``.item()``, indexing by a mask): the
        host would wait for the GPU. ``torch.where`` selects without waiting.

        Args:
            image: float32 (N, modalities, H, W), z-scored over the brain of each volume.
            labels: uint8 (N, H, W), labels of BraTS 2023.
            parameters: What ``draw`` returned for each sample, (N, ...), on the same device; floats
                as float32.

        Returns:
            Image and labels, of the same shapes and types.
        """
