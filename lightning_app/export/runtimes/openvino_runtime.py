"""Runs a graph by OpenVINO, in bfloat16 if the CPU computes with it. Imports no torch."""

from functools import cache
from typing import Any

import numpy as np

from lightning_app.export.runtimes.decoding import Images, Probabilities, Runner
from lightning_app.export.runtimes.graph import INPUT, OUTPUT
from lightning_app.export.runtimes.onnx_runtime import failed, threads


def precision() -> str:
    """With what OpenVINO computes on this CPU: bf16 or f32."""
    return "bf16" if "BF16" in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"


def openvino_runner(content: bytes, weights: bytes | None, name: str) -> Runner:
    """A function that runs a graph on images (N, modalities, H, W).

    Args:
        content: of the ONNX file, or of the XML file of OpenVINO's own format.
        weights: of the BIN file beside that.
        name: of the file, for messages.

    Raises:
        UsageError: OpenVINO cannot run it; the function raises it for an image, too.
    """
    try:
        model = read_graph(content, weights)
        graph = _compiled(model)
    except RuntimeError as error:
        raise failed(name, error) from None

    def run(images: Images) -> Probabilities:
        try:
            found = graph({INPUT: np.ascontiguousarray(images)})[OUTPUT]
        except RuntimeError as error:
            raise failed(name, error) from None
        probabilities: Probabilities = np.asarray(found, np.float32)
        return probabilities

    return run


def read_graph(content: bytes, weights: bytes | None = None) -> Any:
    """A graph as OpenVINO holds it. Raises RuntimeError for one that it cannot read."""
    return _core().read_model(content, b"" if weights is None else weights)


def _compiled(model: Any) -> Any:
    settings: dict[str, Any] = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": precision(),
        "INFERENCE_NUM_THREADS": threads(),
    }
    return _core().compile_model(model, "CPU", settings)


@cache
def _core() -> Any:
    import openvino

    return openvino.Core()
