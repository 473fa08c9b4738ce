"""Trained weights to start a new run from."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from data_modules.utils.words import counted
from lightning_app.runs.checkpoint_io import read_checkpoint
from lightning_app.runs.lookup import trained_run
from lightning_app.task import SegmentationTask
from lightning_app.utils.errors import UsageError

_PREFIX = "network."


def weights_file(name: str, root: Path) -> Path:
    """The checkpoint that ``--weights`` names: a file, or the best epoch of a run.

    Raises:
        UsageError: it names neither.
    """
    path = Path(name)
    return path.absolute() if path.is_file() else trained_run(root, name).best


def load_weights(network: nn.Module, path: Path) -> None:
    """Load the weights of a checkpoint into a network.

    Raises:
        UsageError: the file cannot be read, its weights belong to another network, or one of them
            is not finite.
    """
    saved = read_checkpoint(path)["state_dict"]
    weights = {k.removeprefix(_PREFIX): v for k, v in saved.items() if k.startswith(_PREFIX)}
    check_fit(weights, network.state_dict(), network, path)
    network.load_state_dict(weights)


def check_weights(checkpoint: dict[str, Any], task: SegmentationTask, path: Path) -> None:
    """Check that a trainer can load a checkpoint's weights into a task.

    Raises:
        UsageError: they belong to another network, or one of them is not finite.
    """
    check_fit(checkpoint["state_dict"], task.state_dict(), task.network, path)


def check_fit(
    saved: dict[str, Tensor], expected: dict[str, Tensor], network: nn.Module, path: Path
) -> None:
    """Check that weights can be loaded.

    Args:
        saved: the weights.
        expected: those of the network.
        network: it.
        path: the file of the weights.

    Raises:
        UsageError: they belong to another network, or one of them is not finite.
    """
    for name in (*expected, *saved):
        found, wanted = (_kind(state.get(name)) for state in (saved, expected))
        if found != wanted:
            raise UsageError(
                f"the weights of '{path}' do not fit {type(network).__name__}: {name} is {found} "
                f"in the file, expected {wanted}"
            )
        if saved[name].is_floating_point() and not saved[name].isfinite().all():
            bad = saved[name].numel() - int(saved[name].isfinite().sum())
            raise UsageError(
                f"{name} in '{path}' is NaN or infinite in {counted(bad, 'value')}: its training "
                "diverged, or the file is damaged"
            )


def _kind(value: Tensor | None) -> str:
    """What must agree for a tensor to be loaded; the precision need not."""
    if value is None:
        return "absent"
    if value.layout is not torch.strided or value.is_quantized or value.is_meta:
        return "without plain values (sparse, quantised or meta)"
    if value.is_complex():
        numbers = "complex numbers"
    elif value.is_floating_point() and value.dtype.itemsize > 1:  # no 8-bit floats
        numbers = "floats"
    else:
        numbers = "truth values" if value.dtype is torch.bool else "whole numbers"
    return f"of size {list(value.shape)} with {numbers}"
