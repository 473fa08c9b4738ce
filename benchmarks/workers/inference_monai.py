"""MONAI's side of the inference benchmark: its cache, its metrics, its readers and writers."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from benchmarks.workers.inference_ours import latency, slices_of
from data_modules.utils.malloc import keep_freed_memory

BATCH, AT_ONCE = 32, 16  # images of a test batch, slices of a volume: as ours


def as_installed(task: str, data: Path, widths: Sequence[int]) -> float:
    """Seconds of a task in float32."""
    return _seconds(task, data, widths, levers=False)


def with_levers(task: str, data: Path, widths: Sequence[int]) -> float:
    """Seconds of a task with every lever that we pull for ourselves."""
    return _seconds(task, data, widths, levers=True)


def _seconds(task: str, data: Path, widths: Sequence[int], *, levers: bool) -> float:
    from monai.networks.nets.attentionunet import AttentionUnet

    network = AttentionUnet(2, 1, 1, widths, [2] * (len(widths) - 1)).eval()
    if levers:
        keep_freed_memory()
        fold(network)
        network.to(memory_format=torch.channels_last)
    if task.startswith("batch_"):
        return latency(network, int(task.removeprefix("batch_")), levers=levers)
    work = {"test": _test, "patient": _patient}[task](network, data, levers=levers)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=levers):
        next(work)  # warms up
        begun = perf_counter()
        next(work)
        return perf_counter() - begun


def _test(network: nn.Module, data: Path, *, levers: bool) -> Iterator[None]:
    """Each turn: all images from the cache in memory to masks, Dice and IoU.

    With levers they are not copied out of the cache.
    """
    from monai.data.dataloader import DataLoader
    from monai.data.dataset import CacheDataset
    from monai.metrics.meandice import DiceMetric
    from monai.metrics.meaniou import MeanIoU

    slices = slices_of(data)
    slices.prepare_data()
    slices.setup("test")
    items: list[dict[str, Any]] = []
    for batch in slices.test_dataloader():
        masks = (batch["labels"] > 0)[:, None]
        items += [{"image": i, "mask": m} for i, m in zip(batch["image"], masks, strict=True)]
    cache = CacheDataset(items, lambda item: item, progress=False, copy_cache=not levers)
    loader = DataLoader(cache, batch_size=BATCH)
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


def _patient(network: nn.Module, data: Path, *, levers: bool) -> Iterator[None]:
    """Each turn: the volume read and normalised, its slices segmented in batches, and written.

    With levers slices without brain are left out.
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
            run = slices.flatten(1).any(dim=1) if levers else torch.ones(len(slices)).bool()
            masks = torch.zeros_like(slices, dtype=torch.bool)
            masks[run] = torch.cat([network(some) > 0 for some in slices[run].split(AT_ONCE)])
            volume.set_(masks.permute(1, 2, 3, 0).float().contiguous())
            write(volume)
            yield


def fold(network: nn.Module) -> None:
    """Fold each batch normalisation into the convolution before it, by MONAI's names for them."""
    from monai.networks.blocks.convolutions import Convolution

    for block in list(network.modules()):
        if isinstance(block, Convolution):
            _fold_pair(block, getattr(block, "adn", block), "N")
        elif isinstance(block, nn.Sequential):
            for (_, one), (name, _) in pairwise(block.named_children()):
                if isinstance(one, Convolution):
                    _fold_pair(one, block, name)


def _fold_pair(convolution: nn.Module, parent: nn.Module, name: str) -> None:
    """Fold the parent's member of that name, if it is a batch normalisation."""
    norm = getattr(parent, name, None)
    if isinstance(norm, nn.BatchNorm2d):
        conv: Any = convolution.conv
        transposed = isinstance(conv, nn.ConvTranspose2d)
        convolution.conv = fuse_conv_bn_eval(conv, norm, transpose=transposed)
        setattr(parent, name, nn.Identity())
