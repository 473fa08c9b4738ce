"""Which runtime runs an exported model. Imports torch for torch only."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Literal, NamedTuple

from lightning_app.export.packages import OPENVINO, check_installed
from lightning_app.export.runtimes.decoding import Runner
from lightning_app.export.runtimes.exported_model import ExportedModel
from lightning_app.export.runtimes.graph import check_graph
from lightning_app.utils.errors import UsageError

RuntimeName = Literal["torch", "onnx", "openvino"]
QuantiseName = Literal["int8"]  # the numbers of a quantised model


@dataclass(frozen=True)
class ModelWeights:
    """An exported model and what runs it, for the notes of label maps.

    Attributes:
        model: whose weights predict.
        runtime: that runs it.
        quantise: int8 if the weights are those of the quantised model.
    """

    model: ExportedModel
    runtime: RuntimeName
    quantise: QuantiseName | None

    @property
    def note(self) -> dict[str, Any]:
        """What the note of a label map says of the weights: the runs that the model is of."""
        record = self.model.record
        runs = [run.run for run in record.runs]
        note: dict[str, Any] = {"run": runs[0]}
        if runs[1:]:
            note["members"] = runs
        if record.tta:
            note["tta"] = record.tta
        note |= {"model": str(self.model.folder.path), "runtime": self.runtime}
        return note | ({"quantise": self.quantise} if self.quantise else {})


class LoadedModel(NamedTuple):
    """A model that can run.

    Attributes:
        run: gives the probabilities of slices.
        words: what runs it, for the user.
    """

    run: Runner
    words: str


def chosen_runtime(
    model: ExportedModel, name: RuntimeName | None, quantise: str | None
) -> RuntimeName:
    """The runtime that was asked for, or the quickest to start that is installed.

    Raises:
        UsageError: a package is missing, or there is no quantised model.
    """
    if quantise:
        if name not in {None, "openvino"}:
            raise UsageError(f"--quantise {quantise} needs --runtime openvino, not {name}")
        if model.folder.int8.name not in model.record.files:
            raise UsageError(
                f"--quantise {quantise}: there is no {model.folder.int8.name} in "
                f"'{model.folder.path}': export --quantise {quantise} writes it"
            )
        return "openvino"
    if name is not None:
        return name
    has_graph = model.folder.onnx.name in model.record.files
    installed = find_spec("onnxruntime") is not None and find_spec("onnx") is not None
    only_graph = model.folder.weights.name not in model.record.files
    return "onnx" if has_graph and (installed or only_graph) else "torch"


def load(weights: ModelWeights, trust: Sequence[str]) -> LoadedModel:
    """Load a model.

    Args:
        weights: and what runs them.
        trust: modules and classes that config.yaml may name besides those of the program.

    Raises:
        UsageError: a package is missing, or a file was changed or cannot be run.
    """
    model, runtime = weights.model, weights.runtime
    folder = model.folder
    if runtime == "torch":
        check_installed("--runtime torch", ["safetensors"])
        import lightning_app.utils.import_torch  # noqa: F401 (torch and lightning come first)
        from lightning_app.export.runtimes.torch_runtime import torch_runner

        return LoadedModel(torch_runner(model, trust), "torch, in float32")
    if runtime == "openvino":
        return _by_openvino(weights)
    check_installed("--runtime onnx", ["onnx", "onnxruntime"])
    from lightning_app.export.runtimes.onnx_runtime import onnx_runner

    content = _graph(model)
    return LoadedModel(onnx_runner(content, str(folder.onnx)), "ONNX Runtime, in float32")


def _by_openvino(weights: ModelWeights) -> LoadedModel:
    check_installed("--runtime openvino", ["openvino"], OPENVINO)
    from lightning_app.export.runtimes.openvino_runtime import openvino_runner, precision

    model = weights.model
    folder = model.folder
    if weights.quantise is not None:
        content, numbers = model.read(folder.int8), model.read(folder.int8_weights)
        runner = openvino_runner(content, numbers, str(folder.int8))
        return LoadedModel(runner, f"OpenVINO, in {weights.quantise} and {precision()}")
    check_installed("--runtime openvino", ["onnx"])
    runner = openvino_runner(_graph(model), None, str(folder.onnx))
    return LoadedModel(runner, f"OpenVINO, in {precision()}")


def _graph(model: ExportedModel) -> bytes:
    """The content of model.onnx, which was looked into before anything runs it."""
    path, record = model.folder.onnx, model.record
    content = model.read(path)
    check_graph(content, str(path), len(record.images.modalities), record.output.channels)
    return content
