"""The inference benchmark with our code: what the commands test and predict call."""

import logging
import warnings
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time

import torch
from lightning.pytorch import Trainer
from torch import nn
from torch.nn.utils import convert_conv2d_weight_memory_format

from benchmarks.utils.precision import PRECISION, autocast
from callbacks.acceleration import Acceleration
from callbacks.network.fuse_batch_norm import fused
from data_modules.brats import BraTSDataModule
from data_modules.utils.malloc import keep_freed_memory
from lightning_app.losses import DiceCrossEntropy
from lightning_app.task import SegmentationTask
from models import AttentionUNet

IMAGE_SIZE = (240, 240)
TEST_IMAGES = 126
TRAIN_VAL_IMAGES = (5, 5)  # not measured; a split must not be empty


def data_module(folder: Path) -> BraTSDataModule:
    """The phantoms of one slice, 126 of them in the test split."""
    return BraTSDataModule(
        folder / "images",
        modalities=["t2f"],
        split_sizes=(*TRAIN_VAL_IMAGES, TEST_IMAGES),
        cache_dir=folder / "cache",
    )


def optimised(task: str, data: Path, widths: Sequence[int]) -> float:
    """CPU seconds that a task takes with cpu.yaml."""
    keep_freed_memory()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    module = SegmentationTask(AttentionUNet(widths=widths), DiceCrossEntropy())
    if task == "test":
        return _test(module, data)
    return latency(module.network, int(task.removeprefix("batch_")))


def _trainer(folder: str) -> Trainer:
    return Trainer(
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder,
        precision=PRECISION,
        callbacks=[Acceleration(channels_last=True, fold_batch_norm=True)],
    )


def _test(module: SegmentationTask, data: Path) -> float:
    slices = data_module(data)
    slices.prepare_data()
    with TemporaryDirectory() as folder:
        trainer = _trainer(folder)
        trainer.test(module, slices, verbose=False)  # warms up
        start = process_time()
        trainer.test(module, slices, verbose=False)
        return process_time() - start


def latency(network: nn.Module, batch: int, passes: int = 5) -> float:
    """Median CPU seconds of a forward pass, after one to warm up."""
    network.eval()
    convert_conv2d_weight_memory_format(network, torch.channels_last)
    images, seconds = torch.randn(batch, 1, *IMAGE_SIZE), []
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode())
        stack.enter_context(autocast())
        stack.enter_context(fused(network))
        for _ in range(1 + passes):
            start = process_time()
            network(images)
            seconds.append(process_time() - start)
    return median(seconds[1:])
