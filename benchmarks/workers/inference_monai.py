"""The inference benchmark with MONAI's cache, metrics, readers and writers."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from benchmarks.workers.inference_ours import data_module, latency
from data_modules.utils.malloc import keep_freed_memory

TEST_BATCH, SLICES_AT_ONCE = 32, 16  # the sizes of our batches in a test and in a prediction


def as_installed(task: str, data: Path, widths: Sequence[int]) -> float:
    """Seconds that a task takes in float32."""
    return _seconds(task, data, widths, optimise=False)


def optimised(task: str, data: Path, widths: Sequence[int]) -> float:
    """Seconds that a task takes with every optimisation that ours has."""
    return _seconds(task, data, widths, optimise=True)


def _seconds(task: str, data: Path, widths: Sequence[int], *, optimise: bool) -> float:
    from monai.networks.nets.attentionunet import AttentionUnet

    network = AttentionUnet(2, 1, 1, widths, [2] * (len(widths) - 1)).eval()
    if optimise:
        keep_freed_memory()
        fuse_batch_norm(network)
        network.to(memory_format=torch.channels_last)
    if task.startswith("batch_"):
        return latency(network, int(task.removeprefix("batch_")), optimise=optimise)
    work = {"test": _test, "patient": _predict}[task](network, data, optimise=optimise)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=optimise):
        next(work)  # warms up
        start = perf_counter()
        next(work)
        return perf_counter() - start


def _test(network: nn.Module, data: Path, *, optimise: bool) -> Iterator[None]:
    """Each iteration: all images from the cache in memory to masks, Dice and IoU.

    If optimised, they are not copied out of the cache.
    """
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
    cache = CacheDataset(items, lambda item: item, progress=False, copy_cache=not optimise)
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


def _predict(network: nn.Module, data: Path, *, optimise: bool) -> Iterator[None]:
    """Each iteration: read and normalise the volume, segment its slices in batches, write it.

    If optimised, slices without brain are left out.
    """
    from monai.transforms.compose import Compose
    from monai.transforms.intensity.array import NormalizeIntensity
    from monai.transforms.io.array import LoadImage, SaveImage
    from monai.transforms.utility.array import EnsureChannelFirst

    (path,) = (data / "patient").rglob("*-t2f.nii.gz")
    read = Compose([LoadImage(), EnsureChannelFirst(), NormalizeIntensity(nonzero=True)])
    with TemporaryDirectory() as folder:
        write = SaveImage(folder, separate_folder=False, print_log=False, output_dtype="uint8")
        while True:
            volume = read(path)  # (1, width, height, depth)
            slices = volume.as_tensor().permute(3, 0, 1, 2).contiguous()
            run = slices.flatten(1).any(dim=1) if optimise else torch.ones(len(slices)).bool()
            masks = torch.zeros_like(slices, dtype=torch.bool)
            batches = slices[run].split(SLICES_AT_ONCE)
            masks[run] = torch.cat([network(batch) > 0 for batch in batches])
            volume.set_(masks.permute(1, 2, 3, 0).float().contiguous())
            write(volume)
            yield


def fuse_batch_norm(network: nn.Module) -> None:
    """Fuse each batch normalisation into the convolution before it, by MONAI's module names."""
    from monai.networks.blocks.convolutions import Convolution

    for block in list(network.modules()):
        if isinstance(block, Convolution):
            _fuse_pair(block, getattr(block, "adn", block), "N")
        elif isinstance(block, nn.Sequential):
            for (_, first), (name, _) in pairwise(block.named_children()):
                if isinstance(first, Convolution):
                    _fuse_pair(first, block, name)


def _fuse_pair(convolution: nn.Module, parent: nn.Module, name: str) -> None:
    """Fuse the child ``name`` of ``parent`` if it is a batch normalisation."""
    norm = getattr(parent, name, None)
    if isinstance(norm, nn.BatchNorm2d):
        conv: Any = convolution.conv
        transposed = isinstance(conv, nn.ConvTranspose2d)
        convolution.conv = fuse_conv_bn_eval(conv, norm, transpose=transposed)
        setattr(parent, name, nn.Identity())
