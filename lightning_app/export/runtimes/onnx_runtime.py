"""Runs a graph by ONNX Runtime, in float32 on the CPU. Imports no torch."""

import os
import textwrap
from typing import Any

from lightning_app.export.runtimes.decoding import Images, Probabilities, Runner
from lightning_app.export.runtimes.graph import INPUT, OUTPUT
from lightning_app.utils.errors import UsageError

_LONGEST = 200  # characters of a library's message


def threads() -> int:
    """How many a runtime may use, as torch reads it; 0 leaves it to the runtime."""
    number = os.environ.get("OMP_NUM_THREADS", "")
    return int(number) if number.isdecimal() else 0


def onnx_runner(content: bytes, name: str) -> Runner:
    """A function that runs a graph on images (N, modalities, H, W).

    Args:
        content: of the ONNX file.
        name: of the file, for messages.

    Raises:
        UsageError: ONNX Runtime cannot run it; the function raises it for an image, too.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads()
    options.log_severity_level = 4  # its errors are raised, too
    providers = ["CPUExecutionProvider"]
    try:
        session = onnxruntime.InferenceSession(content, options, providers=providers)
    except Exception as error:  # noqa: BLE001 (its errors have no other base)
        raise failed(name, error) from None

    def run(images: Images) -> Probabilities:
        try:
            outputs: list[Any] = session.run([OUTPUT], {INPUT: images})
        except Exception as error:  # noqa: BLE001 (as above)
            raise failed(name, error) from None
        probabilities: Probabilities = outputs[0]
        return probabilities

    return run


def failed(name: str, error: Exception) -> UsageError:
    """What a runtime says of a graph that it cannot run, in one line."""
    reason = textwrap.shorten(str(error), _LONGEST, placeholder=" ...")
    return UsageError(f"{name}: the runtime cannot run it: {reason}")
