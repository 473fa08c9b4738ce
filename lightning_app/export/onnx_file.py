"""model.onnx: the graph of a network with its weights."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path

import torch
from torch import Tensor, nn

from lightning_app.export.runtimes.graph import INPUT, OUTPUT
from lightning_app.utils.errors import UsageError
from lightning_app.utils.logging import loggers_at

OPSET = 20
_AXES = {0: "batch", 2: "height", 3: "width"}  # of any length
_LIBRARIES = ("torch.onnx", "torch.export", "onnxscript", "onnx_ir")


def write_onnx(network: nn.Module, image: Tensor, path: Path) -> None:
    """Write a network as one file.

    Args:
        network: maps ``image`` to probabilities; evaluated in float32.
        image: (N, modalities, H, W) with N of at least 2: 1 would be taken for a constant.
        path: the file.

    Raises:
        UsageError: the network does things that have no ONNX operator, or depend on sizes.
    """
    with _quiet():
        try:
            program = torch.onnx.export(
                network.eval(),
                (image,),
                dynamo=True,
                opset_version=OPSET,
                input_names=[INPUT],
                output_names=[OUTPUT],
                dynamic_shapes=(_AXES,),
                verbose=False,
            )
        except torch.onnx.errors.OnnxExporterError as error:
            reason = next(iter(str(error.__cause__ or error).strip().splitlines()), "")
            raise UsageError(f"torch cannot write the network as ONNX: {reason}") from error
        assert program is not None
        for node in program.model.graph.all_nodes():
            node.metadata_props.clear()  # the sources that it comes from, with their folders
        program.save(path, external_data=False)


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out the notes of the exporter about itself and its libraries."""
    with (
        warnings.catch_warnings(),
        redirect_stdout(StringIO()),
        loggers_at(logging.ERROR, _LIBRARIES),
    ):
        warnings.simplefilter("ignore")
        yield
