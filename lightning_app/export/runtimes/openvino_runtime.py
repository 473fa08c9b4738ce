"""Runs a graph by OpenVINO, in bfloat16 if the CPU computes with it. Imports no torch."""

import sys
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

from lightning_app.export.runtimes.decoding import Images, Probabilities, Runner
from lightning_app.export.runtimes.graph import INPUT, OUTPUT
from lightning_app.export.runtimes.onnx_runtime import failed, threads


def without_telemetry(name: str) -> Any:
    """Import openvino or nncf, which would report each import to their makers.

    Both do without the package that sends the report if it is not installed.
    """
    modules: dict[str, Any] = sys.modules
    modules.setdefault("openvino_telemetry", None)  # as if it were not
    return import_module(name)


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

    @cache
    def compiled(shape: tuple[int, ...]) -> Any:
        """For images of one shape, which is a fifth faster than for any."""
        graph = read_graph(content, weights)
        graph.reshape({INPUT: list(shape)})
        settings: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": precision(),
            "INFERENCE_NUM_THREADS": threads(),
        }
        return _core().compile_model(graph, "CPU", settings)

    def run(images: Images) -> Probabilities:
        try:
            found = compiled(images.shape)({INPUT: np.ascontiguousarray(images)})[OUTPUT]
        except (RuntimeError, KeyError, TypeError) as error:  # KeyError: no such output
            raise failed(name, error) from None
        return np.array(found, np.float32)  # a copy: the next call overwrites it

    try:
        read_graph(content, weights)
    except RuntimeError as error:
        raise failed(name, error) from None
    return run


def read_graph(content: bytes, weights: bytes | None = None) -> Any:
    """A graph as OpenVINO holds it. Raises RuntimeError for one that it cannot read."""
    return _core().read_model(content, b"" if weights is None else weights)


@cache
def _core() -> Any:
    return without_telemetry("openvino").Core()
