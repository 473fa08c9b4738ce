"""The inference benchmark with MONAI's cache and metrics, and our optimisations."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from time import process_time
from typing import Any

import torch
from torch import nn

from benchmarks.utils.networks import fuse_batch_norm
from benchmarks.utils.precision import autocast
from benchmarks.workers.inference_ours import data_module, latency
from data_modules.utils.malloc import keep_freed_memory

TEST_BATCH = 32  # as ours


def optimised(task: str, data: Path, widths: Sequence[int]) -> float:
    """CPU seconds that a task takes with every optimisation that ours has."""
    from monai.networks.nets.attentionunet import AttentionUnet

    network = AttentionUnet(2, 1, 1, widths, [2] * (len(widths) - 1)).eval()
    keep_freed_memory()
    fuse_batch_norm(network)
    network.to(memory_format=torch.channels_last)
    if task.startswith("batch_"):
        return latency(network, int(task.removeprefix("batch_")))
    work = _test(network, data)
    with torch.inference_mode(), autocast():
        next(work)  # warms up
        start = process_time()
        next(work)
        return process_time() - start


def _test(network: nn.Module, data: Path) -> Iterator[None]:
    """Each iteration: all images from the cache in memory to masks, Dice and IoU."""
    from monai.data.dataloader import DataLoader
    from monai.data.dataset import CacheDataset
    from monai.metrics.meandice import DiceMetric
    from monai.metrics.meaniou import MeanIoU

    slices = data_module(data)
    slices.prepare_data()
    slices.setup("test")
    items: list[dict[str, Any]] = []
    for batch in slices.test_dataloader():
        masks = (batch["labels"] > 0)[:, None]
        items += [{"image": i, "mask": m} for i, m in zip(batch["image"], masks, strict=True)]
    cache = CacheDataset(items, lambda item: item, progress=False, copy_cache=False)
    loader = DataLoader(cache, batch_size=TEST_BATCH)
    metrics: list[Any] = [DiceMetric(), MeanIoU()]
    while True:
        for batch in loader:
            masks = network(batch["image"]) > 0
            for metric in metrics:
                metric(masks, batch["mask"])
        for metric in metrics:
            metric.aggregate()
            metric.reset()
        yield
