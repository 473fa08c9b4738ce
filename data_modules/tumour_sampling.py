"""Training batches with a fixed share of slices with tumour."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from data_modules.dataset import SliceDataset
from data_modules.samplers import EpochBatches
from data_modules.targets import Target
from data_modules.utils.errors import DataError
from data_modules.utils.words import counted


class TumourBatches(EpochBatches):
    """Batches with a share of slices with tumour, reshuffled every epoch.

    An epoch has as many samples as there are, in batches of the same sizes as without a share. So
    of one kind it leaves samples out, and of the other it repeats some: samples are drawn without
    replacement until their kind is used up, and then reshuffled. All draws are a function of seed
    and epoch alone.

    Args:
        has_tumour: For each sample, whether it has tumour; each kind has at least one sample.
        share: Share of samples with tumour in each batch, rounded to whole samples.
        batch_size: Samples per batch.
        seed: Seed of the shuffling.
        epoch: The first epoch.
        skip: Batches of the first epoch to skip because a resumed training has seen them.
    """

    def __init__(
        self,
        has_tumour: NDArray[np.bool_],
        share: float,
        batch_size: int,
        seed: int,
        epoch: int = 0,
        skip: int = 0,
    ) -> None:
        super().__init__(len(has_tumour), batch_size, seed, epoch, skip)
        self._with = np.flatnonzero(has_tumour).tolist()
        self._without = np.flatnonzero(~has_tumour).tolist()
        self._share = share

    def _order(self, epoch: int) -> list[int]:
        generator = self._generator(epoch)
        with_tumour = _endlessly(self._with, generator)
        without = _endlessly(self._without, generator)
        order: list[int] = []
        for size in self.sizes():
            number = round(self._share * size)
            batch = [next(with_tumour) for _ in range(number)]
            batch += [next(without) for _ in range(size - number)]
            # Mixed, so that each device gets both kinds.
            order += [batch[position] for position in _permutation(size, generator)]
        return order


class TumourSampling:
    """The option ``data.tumour_share`` with the slices of the training split that have tumour.

    Args:
        share: The value of the option; None to take the slices as they are.
        batch_size: Slices per batch.

    Raises:
        DataError: The share is not between 0 and 1, or leaves a batch without slices of one kind.
    """

    def __init__(self, share: float | None, batch_size: int) -> None:
        if share is not None and not _has_both(share, batch_size):
            raise DataError(
                f"data.tumour_share is {share}, expected a number between 0 and 1 that leaves at "
                f"least one slice with and one without tumour in data.batch_size {batch_size}"
            )
        self._share = share
        self._batch_size = batch_size
        self._has_tumour: NDArray[np.bool_] | None = None

    def find(self, dataset: SliceDataset, target: Target) -> None:
        """Find the slices with tumour, if there is a share.

        Raises:
            DataError: There is none, or none without, or there are so few slices that the only
                batch has none of one kind.
        """
        if self._share is None or self._has_tumour is not None:
            return
        has_tumour = dataset.target_pixels(target.foreground) > 0
        if has_tumour.all() or not has_tumour.any():
            kind = "with" if not has_tumour.any() else "without"
            raise DataError(
                f"data.tumour_share is {self._share}, but none of the "
                f"{counted(len(dataset), 'slice')} of the training split is {kind} target "
                f"'{target.name}': choose other data.slices, such as all, or leave the share out"
            )
        if not _has_both(self._share, batch := min(self._batch_size, len(dataset))):
            raise DataError(
                f"data.tumour_share is {self._share}, expected one that leaves at least one slice "
                f"with and one without tumour in a batch of all {counted(batch, 'slice')}"
            )
        self._has_tumour = has_tumour

    def batches(
        self, samples: int, batch_size: int, seed: int, epoch: int, skip: int
    ) -> EpochBatches:
        """The batches of a training; those without a share before ``find``, of the same sizes."""
        if self._share is None or self._has_tumour is None:
            return EpochBatches(samples, batch_size, seed, epoch, skip)
        return TumourBatches(self._has_tumour, self._share, batch_size, seed, epoch, skip)


def _has_both(share: float, batch: int) -> bool:
    """Whether a batch has slices with and without tumour."""
    return 0 < share < 1 and 0 < round(share * batch) < batch


def _endlessly(samples: Sequence[int], generator: torch.Generator) -> Iterator[int]:
    """The samples in a random order, again and again, each time in another one."""
    while True:
        yield from (samples[position] for position in _permutation(len(samples), generator))


def _permutation(size: int, generator: torch.Generator) -> list[int]:
    order: list[int] = torch.randperm(size, generator=generator).tolist()
    return order
