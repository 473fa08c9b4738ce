"""The loader of a split, sharded over devices, and where it resumes."""

from collections.abc import Mapping
from typing import Any

import torch
from lightning.pytorch import Trainer
from torch.utils.data import DataLoader, Dataset

from data_modules.batch_dataset import Batch, BatchDataset
from data_modules.device_dataset import DeviceDataset
from data_modules.samplers import EpochBatches, OrderedBatches, ShardedBatches
from data_modules.utils.errors import DataError
from data_modules.utils.signals import leave_to_parent_in_loader
from data_modules.utils.words import counted


class Indices(Dataset[int]):
    """The indices of a dataset, which a loader fetches so that it can gather their batch at once.

    Args:
        size: Number of samples.
    """

    def __init__(self, size: int) -> None:
        self.size = size

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> int:
        return index


def make_loader(
    dataset: BatchDataset,
    batches: EpochBatches | OrderedBatches,
    workers: int,
    seed: int,
    trainer: Trainer | None,
) -> DataLoader[Batch]:
    """Make a loader of batches, or of this rank's shard of each.

    Args:
        dataset: The slices.
        batches: The global batches.
        workers: Processes that load; 0, as slices on a device need, loads in the training process.
        seed: Base seed of the workers.
        trainer: Knows rank and world size; None for a single device.
    """
    sampler: EpochBatches | OrderedBatches | ShardedBatches = batches
    if trainer is not None and trainer.world_size > 1:
        sampler = ShardedBatches(batches, trainer.global_rank, trainer.world_size)
    on_device = isinstance(dataset, DeviceDataset)
    loader: DataLoader[Any] = DataLoader(
        Indices(len(dataset)),
        batch_sampler=sampler,
        collate_fn=dataset.gather,
        num_workers=workers,
        persistent_workers=workers > 0,
        worker_init_fn=leave_to_parent_in_loader,
        pin_memory=torch.cuda.is_available() and not on_device,
        # Without a generator each iterator would draw its base seed from torch's global one, and
        # dropout would depend on how often the data were iterated.
        generator=torch.Generator().manual_seed(seed),
    )
    return loader


def overfits(trainer: Trainer | None) -> bool:
    """Whether training is to get the same batches in every epoch, by Trainer's overfit_batches.

    Lightning itself turns off the shuffling of samples only, not that of a sampler of batches.
    """
    batches: float = getattr(trainer, "overfit_batches", 0)  # not declared in Trainer's class
    return batches > 0


def progress(trainer: Trainer | None) -> tuple[int, int]:
    """The epoch to train next, and how many of its batches have been seen; 0, 0 without a trainer.

    Call it while the trainer makes its training loader: by then the progress of a checkpoint is
    restored, and the next epoch has not begun.
    """
    if trainer is None:
        return 0, 0
    loop = trainer.fit_loop
    epochs: Any = loop.epoch_progress.current
    batches: Any = loop.epoch_loop.batch_progress.current
    unfinished = epochs.started > epochs.processed
    # Not `completed`: it is one behind in a checkpoint that a callback makes at the end of a batch.
    return epochs.processed, batches.processed if unfinished else 0


def check_divides(batch_size: int, devices: int) -> None:
    """Check that the global batch can be sharded evenly.

    Raises:
        DataError: It cannot.
    """
    if batch_size % devices:
        raise DataError(
            f"data.batch_size is {batch_size}, expected a multiple of the {devices} devices: it is "
            "the global batch, sharded over all of them"
        )


def check_shards(
    batches: Mapping[str, EpochBatches | OrderedBatches], trainer: Trainer | None
) -> None:
    """Check that every device gets samples; the others would wait for one that does not.

    In training these must be some of every batch, otherwise of any.

    Args:
        batches: The global batches of each split.
        trainer: Knows the world size; None for a single device.

    Raises:
        DataError: There are more devices than slices.
    """
    devices = 1 if trainer is None else trainer.world_size
    for split, of_split in batches.items():
        sizes = of_split.sizes()
        is_training = isinstance(of_split, EpochBatches)
        samples = min(sizes) if is_training else max(sizes)
        if samples < devices:
            which = "smallest" if is_training else "largest"
            raise DataError(
                f"{devices} devices for {counted(samples, 'slice')} (split {split}, {which} "
                "batch): expected at least one each; use fewer trainer.devices"
            )
