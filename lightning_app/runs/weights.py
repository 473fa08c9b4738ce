"""Trained weights to start a new run from."""

from pathlib import Path

from torch import nn

from lightning_app.runs.checkpoint_io import read_checkpoint
from lightning_app.runs.lookup import trained_run
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
        UsageError: the file cannot be read, or its weights belong to another network.
    """
    saved = read_checkpoint(path)["state_dict"]
    weights = {k.removeprefix(_PREFIX): v for k, v in saved.items() if k.startswith(_PREFIX)}
    expected = network.state_dict()
    for name in (*expected, *weights):
        shapes = [tuple(w[name].shape) if name in w else None for w in (expected, weights)]
        if shapes[0] != shapes[1]:
            raise UsageError(
                f"the weights of '{path}' do not fit {type(network).__name__}: {name} is "
                f"{_shape(shapes[1])} in the file, expected {_shape(shapes[0])}"
            )
    network.load_state_dict(weights)


def _shape(shape: tuple[int, ...] | None) -> str:
    return "absent" if shape is None else f"of size {list(shape)}"
