"""Which samples make up each batch of an epoch."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import torch
from torch.utils.data import Sampler

# A smaller last batch is merged into the one before it: batch normalisation over one or two samples
# is noise. The same for every run, so that the batches do not depend on the number of devices.
SMALLEST_LAST_BATCH = 8


class EpochBatches(Sampler[list[int]]):
    """Batches of sample indices, reshuffled every epoch.

    The order is a function of seed and epoch alone. The sampler counts the epochs itself: every
    iteration is the next epoch, however far ahead a loader prefetches.

    Args:
        samples: Number of samples.
        batch_size: Samples per batch.
        seed: Seed of the shuffling.
        epoch: The first epoch.
        skip: Batches of the first epoch to skip because a resumed training has seen them.
    """

    def __init__(
        self, samples: int, batch_size: int, seed: int, epoch: int = 0, skip: int = 0
    ) -> None:
        self.samples = samples
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = epoch
        self.skip = skip

    def __iter__(self) -> Iterator[list[int]]:
        epoch, skip = self.epoch, self.skip
        self.epoch, self.skip = epoch + 1, 0
        yield from self.batches(epoch)[skip:]

    def batches(self, epoch: int) -> list[list[int]]:
        """All batches of an epoch."""
        order = self._order(epoch)
        return [order[start:stop] for start, stop in pairwise(self._bounds())]

    def sizes(self) -> list[int]:
        """Samples in each batch of an epoch."""
        return [stop - start for start, stop in pairwise(self._bounds())]

    def __len__(self) -> int:
        """Batches in a full epoch."""
        return len(self.sizes())

    def _order(self, epoch: int) -> list[int]:
        order: list[int] = torch.randperm(self.samples, generator=self._generator(epoch)).tolist()
        return order

    def _generator(self, epoch: int) -> torch.Generator:
        return torch.Generator().manual_seed(_mix(self.seed, epoch))

    def _bounds(self) -> list[int]:
        bounds = [*range(0, self.samples, self.batch_size), self.samples]
        last = self.samples % self.batch_size
        if self.samples > self.batch_size and 0 < last < SMALLEST_LAST_BATCH:
            del bounds[-2]
        return bounds


class UnshuffledBatches(EpochBatches):
    """The same batches in every epoch, in the order of the samples: for overfitting on purpose."""

    def _order(self, epoch: int) -> list[int]:
        return list(range(self.samples))


class OrderedBatches(Sampler[list[int]]):
    """Batches of every sample once, in order, for validation and test.

    Args:
        samples: Number of samples.
        batch_size: Samples per batch.
    """

    def __init__(self, samples: int, batch_size: int) -> None:
        self.samples = samples
        self.batch_size = batch_size

    def __iter__(self) -> Iterator[list[int]]:
        for start in range(0, self.samples, self.batch_size):
            yield list(range(start, min(start + self.batch_size, self.samples)))

    def sizes(self) -> list[int]:
        """Samples in each batch."""
        starts = range(0, self.samples, self.batch_size)
        return [min(self.batch_size, self.samples - start) for start in starts]

    def __len__(self) -> int:
        return len(self.sizes())


class GroupedBatches(OrderedBatches):
    """Batches of every sample once, in order, but for each group of samples by itself.

    Args:
        groups: For each sample, the number of its group.
        batch_size: Samples per batch.
    """

    def __init__(self, groups: Sequence[int], batch_size: int) -> None:
        super().__init__(len(groups), batch_size)
        self._groups: dict[int, list[int]] = {}
        for sample, group in enumerate(groups):
            self._groups.setdefault(group, []).append(sample)

    def __iter__(self) -> Iterator[list[int]]:
        for samples in self._groups.values():
            for batch in OrderedBatches(len(samples), self.batch_size):
                yield [samples[index] for index in batch]

    def sizes(self) -> list[int]:
        """Samples in each batch."""
        groups = self._groups.values()
        return [
            size
            for samples in groups
            for size in OrderedBatches(len(samples), self.batch_size).sizes()
        ]


class ShardedBatches(Sampler[list[int]]):
    """The shard of each batch that one rank gets; together the ranks see every sample once.

    A rank skips a batch that has no sample for it.

    Args:
        batches: The global batches.
        rank: The rank of this process.
        world_size: Number of processes.
    """

    def __init__(self, batches: EpochBatches | OrderedBatches, rank: int, world_size: int) -> None:
        self.batches = batches
        self.rank = rank
        self.world_size = world_size

    def __iter__(self) -> Iterator[list[int]]:
        shards = (batch[self.rank :: self.world_size] for batch in self.batches)
        yield from (shard for shard in shards if shard)

    def __len__(self) -> int:
        """Batches of a full epoch that have a sample for this rank."""
        return sum(size > self.rank for size in self.batches.sizes())


def _mix(seed: int, epoch: int) -> int:
    # Not their sum: epoch 1 of seed 0 would have the order of epoch 0 of seed 1.
    return (seed * 1_000_003 + epoch) % 2**63
