"""Our side of the inference benchmark: what the commands test and predict call."""

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

from callbacks.acceleration import Acceleration
from callbacks.utils.fuse_batch_norm import fused
from data_modules.brats import BraTSDataModule
from data_modules.utils.malloc import keep_freed_memory
from data_modules.volume_dataset import volumes_to_predict
from lightning_app.losses import DiceCrossEntropy
from lightning_app.metrics.case_tables import case_tables
from lightning_app.metrics.evaluate import evaluate
from lightning_app.metrics.volume_scores import VOLUME_SCORES
from lightning_app.results.label_maps import LabelMapWriter
from lightning_app.results.tested_cases import TestedCases
from lightning_app.runs.folder import Run
from lightning_app.task import SegmentationTask
from models import AttentionUNet

SIDE = (240, 240)


def slices_of(folder: Path) -> BraTSDataModule:
    """The phantoms of one slice, 126 of them on the test side."""
    return BraTSDataModule(
        folder / "images", modalities=["t2f"], split_sizes=(5, 5, 126), cache_dir=folder / "cache"
    )


def with_levers(task: str, data: Path, widths: Sequence[int]) -> float:
    """Seconds of a task as cpu.yaml runs it."""
    keep_freed_memory()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    module = SegmentationTask(AttentionUNet(widths=widths), DiceCrossEntropy())
    if task == "test":
        return _test(module, data)
    if task == "patient":
        return _patient(module, data)
    return latency(module.network, int(task.removeprefix("batch_")), levers=True)


def _trainer(folder: str, callbacks: Sequence[Callback]) -> Trainer:
    return Trainer(
        accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, default_root_dir=folder,
        precision="bf16-mixed",
        callbacks=[Acceleration(channels_last=True, fold_batch_norm=True), *callbacks],
    )  # fmt: skip


class _Scores(SegmentationTask):
    """Computes every score when the test has ended."""

    def on_test_epoch_end(self) -> None:
        """The scores of all slices."""
        data: BraTSDataModule = self.trainer.datamodule  # type: ignore[attr-defined]
        cases = TestedCases(data, self.test_masks.compute())
        evaluate(case_tables(cases, self.target.class_names, VOLUME_SCORES)[0])
        self.test_masks.reset()


def _test(module: SegmentationTask, data: Path) -> float:
    module.__class__ = _Scores
    slices = slices_of(data)
    slices.prepare_data()
    with TemporaryDirectory() as folder:
        trainer = _trainer(folder, [])
        trainer.test(module, slices, verbose=False)
        begun = perf_counter()
        trainer.test(module, slices, verbose=False)
        return perf_counter() - begun


def _patient(module: SegmentationTask, data: Path) -> float:
    with TemporaryDirectory() as name:
        run = Run(Path(name) / "run")
        run.path.mkdir()
        spacing = dict.fromkeys("xyz", (1.0, 1.0))
        trained_on = {"slices": "all", "spacing": spacing}
        run.environment.write_text(json.dumps({"data": trained_on}))
        begun = 0.0
        for _ in range(2):  # the first to warm up
            begun = perf_counter()
            volumes = volumes_to_predict(data / "patient", ["t2f"], SIDE, "auto")
            trainer = _trainer(name, [LabelMapWriter(Path(name), run)])
            trainer.predict(module, volumes, return_predictions=False)
        return perf_counter() - begun


def latency(network: nn.Module, batch: int, *, levers: bool, passes: int = 5) -> float:
    """Median seconds of a forward pass, after one that is not counted."""
    network.eval()
    if levers:
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    images, seconds = torch.randn(batch, 1, *SIDE), []
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode())
        stack.enter_context(torch.autocast("cpu", torch.bfloat16, enabled=levers))
        if levers:
            stack.enter_context(fused(network))
        for _ in range(1 + passes):
            begun = perf_counter()
            network(images)
            seconds.append(perf_counter() - begun)
    return median(seconds[1:])
