"""The graph with integers of 8 bits, for OpenVINO: as accurate as the run, or not kept."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO

import numpy as np
from lightning.pytorch import Trainer
from torch import nn

from data_modules.brats import BraTSDataModule
from data_modules.utils.errors import DataError
from lightning_app.export.file_records import Quantised
from lightning_app.export.folder import ExportFolder
from lightning_app.export.network import OfRunner
from lightning_app.export.runtimes.choice import QuantiseName
from lightning_app.export.runtimes.decoding import Images
from lightning_app.export.runtimes.openvino_runtime import (
    openvino_runner,
    read_graph,
    without_telemetry,
)
from lightning_app.task import MONITOR, SegmentationTask
from lightning_app.utils.errors import UsageError
from lightning_app.utils.logging import loggers_at, quiet_libraries

INT8: QuantiseName = "int8"
SLICES = 64  # of the training, spread over it


def write_quantised(
    task: SegmentationTask, data: BraTSDataModule, folder: ExportFolder
) -> Quantised:
    """Quantise the graph of a folder, and compare it with the run on the validation split.

    Its files are kept if its Dice is at most 0.002 lower.

    Args:
        task: with the network of the run.
        data: of the run.
        folder: has the graph, and gets the files.

    Raises:
        UsageError: there is no training slice, or the graph cannot be quantised.
    """
    images = _training_slices(data)
    openvino, nncf = without_telemetry("openvino"), without_telemetry("nncf")
    with _quiet():
        try:
            graph = read_graph(folder.onnx.read_bytes())
            quantised = nncf.quantize(graph, nncf.Dataset(images), subset_size=len(images))
            openvino.save_model(quantised, folder.int8, compress_to_fp16=False)
        except RuntimeError as error:
            reason = " ".join(str(error).split())
            raise UsageError(f"the graph cannot be quantised: {reason}") from error
    content, weights = folder.int8.read_bytes(), folder.int8_weights.read_bytes()
    runner = openvino_runner(content, weights, folder.int8.name)
    network = OfRunner(runner, exclusive=task.target.exclusive)
    of_run, of_quantised = (_dice(task, n, data) for n in (task.network, network))
    found = Quantised(INT8, len(images), of_run, of_quantised)
    if not found.is_accepted:
        folder.int8.unlink()
        folder.int8_weights.unlink()
    return found


def _training_slices(data: BraTSDataModule) -> list[Images]:
    """Batches of one slice."""
    dataset = data.datasets["train"]
    if not len(dataset):
        raise UsageError("--quantise needs training slices, and the data have none")
    count = min(SLICES, len(dataset))
    spread = np.linspace(0, len(dataset) - 1, count).round().astype(np.int64).tolist()
    try:
        return [dataset.gather([index])["image"].numpy() for index in spread]
    except DataError as error:
        raise UsageError(f"--quantise needs training slices, but: {error}") from error


def _dice(task: SegmentationTask, network: nn.Module, data: BraTSDataModule) -> float:
    """The validation Dice of a network, as in a training."""
    before = task.network
    task.network = network
    try:
        with quiet_libraries():
            trainer = Trainer(
                accelerator="cpu",
                devices=1,
                logger=False,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
            )
            (scores,) = trainer.validate(task, data, verbose=False)
    finally:
        task.network = before
    return scores[MONITOR]


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out the bars and the notes of the library."""
    with (
        loggers_at(logging.ERROR, ["nncf"]),
        redirect_stdout(StringIO()),
        redirect_stderr(StringIO()),
    ):
        yield
