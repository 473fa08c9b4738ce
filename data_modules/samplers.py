"""Which samples make up each batch of an epoch."""

from collections.abc import Iterator
from itertools import pairwise

import torch
from torch.utils.data import Sampler

# A last batch with fewer samples joins the one before it: batch normalisation over a sample or two
# is noise. One number for every run, so that the batches do not depend on how many devices share
# them.
SMALLEST_TAIL = 8

Item = tuple[int, int]


class EpochBatches(Sampler[list[Item]]):
    """Batches of (epoch, sample index), shuffled anew in every epoch.

    The order is a function of seed and epoch alone. The sampler counts the epochs itself: each
    iteration is the next one, so that it does not matter how far ahead a loader fetches.

    Args:
        samples: how many there are.
        batch_size: samples a batch.
        seed: of the shuffling.
        epoch: the first one.
        skip: batches of the first epoch to leave out, those that a resumed training has seen.
    """

    def __init__(
        self, samples: int, batch_size: int, seed: int, epoch: int = 0, skip: int = 0
    ) -> None:
        self.samples = samples
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = epoch
        self.skip = skip

    def __iter__(self) -> Iterator[list[Item]]:
        epoch, skip = self.epoch, self.skip
        self.epoch, self.skip = epoch + 1, 0
        yield from self.batches(epoch)[skip:]

    def batches(self, epoch: int) -> list[list[Item]]:
        """All batches of an epoch."""
        generator = torch.Generator().manual_seed(_mixed(self.seed, epoch))
        order = torch.randperm(self.samples, generator=generator).tolist()
        return [[(epoch, index) for index in order[a:b]] for a, b in pairwise(self._bounds())]

    def sizes(self) -> list[int]:
        """Samples of each batch of an epoch."""
        return [b - a for a, b in pairwise(self._bounds())]

    def __len__(self) -> int:
        """Batches of a whole epoch."""
        return len(self.sizes())

    def _bounds(self) -> list[int]:
        bounds = [*range(0, self.samples, self.batch_size), self.samples]
        tail = self.samples % self.batch_size
        if self.samples > self.batch_size and 0 < tail < SMALLEST_TAIL:
            del bounds[-2]
        return bounds


class OrderedBatches(Sampler[list[Item]]):
    """Batches of every sample once, in order, for validation and test."""

    def __init__(self, samples: int, batch_size: int) -> None:
        self.samples = samples
        self.batch_size = batch_size

    def __iter__(self) -> Iterator[list[Item]]:
        for start in range(0, self.samples, self.batch_size):
            yield [(0, i) for i in range(start, min(start + self.batch_size, self.samples))]

    def sizes(self) -> list[int]:
        """Samples of each batch."""
        starts = range(0, self.samples, self.batch_size)
        return [min(self.batch_size, self.samples - start) for start in starts]

    def __len__(self) -> int:
        return len(self.sizes())


class ShardedBatches(Sampler[list[Item]]):
    """One process's share of each batch; together the processes see every sample once.

    A process whose share of a batch is empty leaves that batch out.

    Args:
        batches: what is dealt out.
        rank: of the process.
        processes: how many there are.
    """

    def __init__(self, batches: "EpochBatches | OrderedBatches", rank: int, processes: int) -> None:
        self.batches = batches
        self.rank = rank
        self.processes = processes

    def __iter__(self) -> Iterator[list[Item]]:
        shares = (batch[self.rank :: self.processes] for batch in self.batches)
        yield from (share for share in shares if share)

    def __len__(self) -> int:
        """Batches of a whole epoch that hold something for this process."""
        return sum(size > self.rank for size in self.batches.sizes())


def _mixed(seed: int, epoch: int) -> int:
    # Seeds and epochs are small numbers: added up, epoch 1 of seed 0 would be epoch 0 of seed 1.
    return (seed * 1_000_003 + epoch) % 2**63
