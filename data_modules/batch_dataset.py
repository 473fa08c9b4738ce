"""What all datasets of slices have in common: single samples, and whole batches at once."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from operator import index as as_int

from torch import Tensor
from torch.utils.data import Dataset

Sample = dict[str, Tensor]
Batch = dict[str, Tensor]


class BatchDataset(Dataset[Sample], ABC):
    """A map-style dataset of slices that can also gather a whole batch in one go.

    A sample has ``image`` float32 (modalities, H, W), z-scored over the brain of its volume;
    ``labels`` uint8 (H, W), labels of BraTS 2023; and ``sample`` int64 (), its index in the
    dataset. A batch has the same keys with a leading axis, exactly as PyTorch's default collation
    makes it from its samples.
    """

    @abstractmethod
    def __len__(self) -> int:
        """Number of samples."""

    @abstractmethod
    def gather(self, indices: Sequence[int]) -> Batch:
        """Gather the batch of some samples, in the order given.

        Much faster than collating single samples: one read per array, and no copy of each image.

        Args:
            indices: Each from 0 to ``len(self) - 1``.
        """

    def __getitem__(self, index: int) -> Sample:
        """One sample; negative indices count from the end.

        Raises:
            IndexError: The index is out of range.
        """
        (sample,) = self.__getitems__([index])
        return sample

    def __getitems__(self, indices: Sequence[int]) -> list[Sample]:
        """Several samples; PyTorch's loaders call this with the indices of a batch.

        Raises:
            IndexError: An index is out of range.
        """
        batch = self.gather([self._checked(index) for index in indices])
        return [
            {name: values[position] for name, values in batch.items()}
            for position in range(len(indices))
        ]

    def _checked(self, index: int) -> int:
        """A plain, non-negative index."""
        size, number = len(self), as_int(index)
        if not -size <= number < size:
            raise IndexError(f"index {number} is out of range for {size} samples")
        return number % size
