"""Writes the folder of an exported model at once, or nothing."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from callbacks.utils.atomic_write import atomic_folder, atomic_write
from callbacks.utils.unfinished import remove_leftovers
from lightning_app.ensembles.predictor import Predictor
from lightning_app.export.card import TEMPLATES, model_card
from lightning_app.export.file_records import FileRecord, Quantised, Verified
from lightning_app.export.folder import ExportFolder, digest
from lightning_app.export.network import WithProbabilities, members
from lightning_app.export.onnx_file import write_onnx
from lightning_app.export.record import ModelRecord, write_model_record
from lightning_app.export.runtimes.decoding import Images, Runner
from lightning_app.export.runtimes.onnx_runtime import onnx_runner
from lightning_app.export.verification import verify
from lightning_app.export.weights_file import read_weights, write_config, write_weights
from lightning_app.task import SegmentationTask


@dataclass(frozen=True)
class Model:
    """What is exported.

    Attributes:
        predictor: whose weights.
        task: its network has them, joined if there are several.
        networks: class_path and init_args of each.
        record: without verification and files.
        batches: validation slices.
    """

    predictor: Predictor
    task: SegmentationTask
    networks: Sequence[Mapping[str, Any]]
    record: ModelRecord
    batches: Sequence[Images]


@contextmanager
def new_folder(output: Path) -> Iterator[ExportFolder]:
    """A temporary folder that becomes ``output`` if nothing is raised; nothing is left otherwise.

    Raises:
        OSError: it cannot be written.
    """
    made = [path for path in (output.parent, *output.parent.parents) if not path.exists()]
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(output.parent)
        with atomic_folder(output) as temporary:
            yield ExportFolder(temporary)
    except BaseException:
        for path in made:
            with suppress(OSError):  # not empty: somebody else uses it by now
                path.rmdir()
        raise


def write_model(
    model: Model,
    folder: ExportFolder,
    *,
    onnx: bool,
    weights: bool,
    quantise: Callable[[ExportFolder], Quantised] | None,
) -> ModelRecord:
    """Write and verify the files of a model.

    Args:
        model: what is exported.
        folder: gets the files.
        onnx: whether to write the graph, and the program that uses it.
        weights: whether to write the weights with their config.
        quantise: writes the quantised graph, if one is wanted and it is accurate enough.

    Raises:
        VerificationError: a file does not do what the run does.
        UsageError: the network cannot be written as a graph.
    """
    verified = {}
    if onnx:
        verified[folder.onnx.name] = _write_graph(model, folder)
        shutil.copyfile(TEMPLATES / folder.example.name, folder.example)
    if weights:
        verified[folder.weights.name] = _write_weights(model, folder)
    quantised = quantise(folder) if quantise else None
    record = replace(model.record, verification=verified, quantised=quantised)
    with atomic_write(folder.card) as card:
        card.write_text(model_card(record, model.predictor, folder), encoding="utf-8")
    files = {path.name: FileRecord(path.stat().st_size, digest(path)) for path in folder.files()}
    record = replace(record, files=files)
    write_model_record(folder.record, record)
    return record


def _write_graph(model: Model, folder: ExportFolder) -> Verified:
    network = WithProbabilities(model.task.network, exclusive=model.task.target.exclusive)
    height, width = model.batches[0].shape[2:]
    image = torch.zeros(2, len(model.record.images.modalities), height, width)
    write_onnx(network, image, folder.onnx)
    run = onnx_runner(folder.onnx.read_bytes(), folder.onnx.name)
    return _verify(model, folder.onnx, run)


def _write_weights(model: Model, folder: ExportFolder) -> Verified:
    network, exclusive = model.task.network, model.task.target.exclusive
    write_weights(members(network), folder.weights)
    write_config(model.networks, folder.config, exclusive=exclusive, tta=model.record.tta)
    read = deepcopy(network)
    for value in read.state_dict().values():
        value.zero_()  # so that nothing but the file gives them
    read_weights(members(read), folder.weights)
    loaded = WithProbabilities(read.eval(), exclusive=exclusive)

    def run(images: Images) -> Images:
        with torch.inference_mode():
            found: Images = loaded(torch.from_numpy(images)).numpy()
        return found

    return _verify(model, folder.weights, run)


def _verify(model: Model, path: Path, run: Runner) -> Verified:
    task, threshold = model.task, model.record.output.postprocessing.threshold
    return verify(path.name, run, task.network, model.batches, task.target, threshold)
