"""The inference benchmark with our code: what the commands test and predict call."""

import json
import logging
import warnings
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import torch
from lightning.pytorch import Callback, Trainer
from torch import nn
from torch.nn.utils import convert_conv2d_weight_memory_format
from torch.utils.data import DataLoader

from callbacks.acceleration import Acceleration
from callbacks.network.fuse_batch_norm import fused
from data_modules.brats import BraTSDataModule
from data_modules.catalog.cases_to_predict import cases_to_predict
from data_modules.utils.malloc import keep_freed_memory
from data_modules.volume_dataset import VolumeDataset
from lightning_app.ensembles.predictor import Predictor
from lightning_app.losses import DiceCrossEntropy
from lightning_app.results.predictions.label_map_folder import LabelMapFolder
from lightning_app.results.predictions.label_maps import LabelMapWriter
from lightning_app.runs.folder import Run
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
    """Seconds that a task takes with cpu.yaml."""
    keep_freed_memory()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    module = SegmentationTask(AttentionUNet(widths=widths), DiceCrossEntropy())
    if task == "test":
        return _test(module, data)
    if task == "patient":
        return _predict(module, data)
    return latency(module.network, int(task.removeprefix("batch_")), optimise=True)


def _trainer(folder: str, callbacks: Sequence[Callback]) -> Trainer:
    return Trainer(
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder,
        precision="bf16-mixed",
        callbacks=[Acceleration(channels_last=True, fold_batch_norm=True), *callbacks],
    )


def _test(module: SegmentationTask, data: Path) -> float:
    slices = data_module(data)
    slices.prepare_data()
    with TemporaryDirectory() as folder:
        trainer = _trainer(folder, [])
        trainer.test(module, slices, verbose=False)  # warms up
        start = perf_counter()
        trainer.test(module, slices, verbose=False)
        return perf_counter() - start


def _predict(module: SegmentationTask, data: Path) -> float:
    with TemporaryDirectory() as name:
        run = Run(Path(name) / "run")
        run.path.mkdir()
        trained_on = {"slices": "all", "spacing": dict.fromkeys("xyz", (1.0, 1.0))}
        run.environment.write_text(json.dumps({"data": trained_on}))
        predictor, start = Predictor.of_run(run), 0.0
        for _ in range(2):  # the first warms up
            start = perf_counter()
            cases = cases_to_predict(data / "patient", ["t2f"], "auto")
            volumes = DataLoader(VolumeDataset(cases, ["t2f"], IMAGE_SIZE), batch_size=None)
            trainer = _trainer(
                name, [LabelMapWriter(LabelMapFolder(Path(name), predictor), predictor)]
            )
            trainer.predict(module, volumes, return_predictions=False)
        return perf_counter() - start


def latency(network: nn.Module, batch: int, *, optimise: bool, passes: int = 5) -> float:
    """Median seconds of a forward pass, after one to warm up."""
    network.eval()
    if optimise:
        convert_conv2d_weight_memory_format(network, torch.channels_last)
    images, seconds = torch.randn(batch, 1, *IMAGE_SIZE), []
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode())
        stack.enter_context(torch.autocast("cpu", torch.bfloat16, enabled=optimise))
        if optimise:
            stack.enter_context(fused(network))
        for _ in range(1 + passes):
            start = perf_counter()
            network(images)
            seconds.append(perf_counter() - start)
    return median(seconds[1:])
