"""The loader of a side, and what of it each device gets."""

from collections.abc import Mapping
from typing import Any

import torch
from lightning.pytorch import Trainer
from torch.utils.data import DataLoader

from data_modules.dataset import Batch, SliceDataset
from data_modules.device_dataset import DeviceDataset
from data_modules.samplers import EpochBatches, OrderedBatches, ShardedBatches
from data_modules.utils.errors import DataError


def make_loader(
    dataset: SliceDataset | DeviceDataset,
    batches: EpochBatches | OrderedBatches,
    workers: int,
    seed: int,
    trainer: Trainer | None,
) -> DataLoader[Batch]:
    """A loader of whole batches, or of this device's share of each.

    Args:
        dataset: the slices.
        batches: the global batches.
        workers: processes that load; 0 for the training process itself, which alone can make
            batches of slices that lie on a device.
        seed: of the workers' own random generators.
        trainer: knows how many devices there are; None for one.
    """
    shared: EpochBatches | OrderedBatches | ShardedBatches = batches
    if trainer is not None and trainer.world_size > 1:
        shared = ShardedBatches(batches, trainer.global_rank, trainer.world_size)
    resident = isinstance(dataset, DeviceDataset)
    workers = 0 if resident else workers
    return DataLoader(
        dataset,
        batch_sampler=shared,
        collate_fn=_already_a_batch,
        num_workers=workers,
        persistent_workers=workers > 0,
        pin_memory=torch.cuda.is_available() and not resident,
        # Without a generator of its own each iterator would draw its base seed from torch's global
        # one, and dropout would depend on how often data were looked at.
        generator=torch.Generator().manual_seed(seed),
    )


def device_of(trainer: Trainer) -> torch.device:
    """The device that this process trains on."""
    return trainer.strategy.root_device


def check_divides(batch_size: int, devices: int) -> None:
    """Raise DataError where the global batch cannot be dealt out evenly."""
    if batch_size % devices:
        raise DataError(
            f"data.batch_size is {batch_size}, expected a multiple of the {devices} devices: it is "
            "the global batch, dealt out to all of them"
        )


def check_shares(smallest: Mapping[str, int], trainer: Trainer | None) -> None:
    """Stop where a device would have nothing to do, which the others would wait for.

    Args:
        smallest: for each side the slices that every device must have a share of.
        trainer: knows how many devices there are; None for one.

    Raises:
        DataError: more devices than slices.
    """
    devices = 1 if trainer is None else trainer.world_size
    for side, samples in smallest.items():
        if samples < devices:
            raise DataError(
                f"{devices} devices for {samples} slices (side {side}, smallest batch): expected "
                "at least one each; use fewer trainer.devices"
            )


def _already_a_batch(batch: Any) -> Any:
    return batch
