"""Looks into a file of a graph before anything runs it. Imports no torch."""

from collections.abc import Iterator
from typing import Any

from lightning_app.utils.errors import UsageError

INPUT, OUTPUT = "image", "probabilities"


def check_graph(content: bytes, name: str, modalities: int, channels: int) -> None:
    """Check that a graph has its weights in itself, and takes and gives what is expected.

    Args:
        content: of the ONNX file.
        name: of the file, for messages.
        modalities: channels of its input.
        channels: of its output.

    Raises:
        UsageError: it does not, or is no graph.
    """
    from google.protobuf.message import DecodeError
    from onnx import ModelProto, TensorProto

    try:
        model = ModelProto.FromString(content)
    except DecodeError:
        raise UsageError(f"{name}: it is not an ONNX file") from None
    for tensor in _tensors(model):
        if tensor.external_data or tensor.data_location == tensor.EXTERNAL:
            places = [entry.value for entry in tensor.external_data if entry.key == "location"]
            raise UsageError(
                f"{name}: its weights are in another file, {places[0] if places else ''!a}, "
                "expected in itself"
            )
    expected = {"input": {INPUT: modalities}, "output": {OUTPUT: channels}}
    for kind, wanted in expected.items():
        found = {
            value.name: _channels(value)
            for value in getattr(model.graph, kind)
            if value.type.tensor_type.elem_type == TensorProto.FLOAT
        }
        if found != wanted:
            (key, number), *_ = wanted.items()
            raise UsageError(
                f"{name}: its {kind} is {found!a}, expected '{key}' with {number} channels"
            )


def _tensors(message: Any) -> Iterator[Any]:
    """All tensors below a message: also those of attributes, inner graphs and functions."""
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for part in value if _is_repeated(value) else [value]:
            if field.message_type.name == "TensorProto":
                yield part
            else:
                yield from _tensors(part)


def _is_repeated(value: Any) -> bool:
    return not hasattr(value, "ListFields")


def _channels(value: Any) -> int | None:
    """Of an image (N, channels, H, W); None for anything else."""
    sizes = value.type.tensor_type.shape.dim
    return sizes[1].dim_value if len(sizes) == 4 else None
