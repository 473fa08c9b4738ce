"""Weights for a new run, from a checkpoint that may be another network's."""

import re
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from lightning_app.runs.weights import load_weights
from lightning_app.utils.errors import UsageError


def saved(folder: Path, **changed: Tensor | None) -> Path:
    """A checkpoint of a batch normalisation of three channels, with changes; None: left out."""
    state = {**nn.BatchNorm2d(3).state_dict(), **changed}
    weights = {f"network.{name}": value for name, value in state.items() if value is not None}
    path = folder / "last.ckpt"
    torch.save({"state_dict": weights, "of_the_loss": 1}, path)
    return path


def test_weights_of_another_precision_are_loaded(tmp_path: Path) -> None:
    network = nn.BatchNorm2d(3)
    path = saved(tmp_path, weight=torch.tensor([1.0, 2.0, 3.0], dtype=torch.float16))

    load_weights(network, path)

    assert network.weight.tolist() == [1, 2, 3]
    assert network.weight.dtype == torch.float32


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"weight": torch.ones(4)}, "weight is of size [4] with floats"),
        ({"bias": torch.ones(3).bool()}, "bias is of size [3] with truth values"),
        ({"bias": torch.ones(3).long()}, "bias is of size [3] with whole numbers"),
        ({"bias": torch.ones(3) * 1j}, "bias is of size [3] with complex numbers"),
        ({"bias": torch.ones(3).to(torch.float8_e5m2)}, "bias is of size [3] with"),
        ({"bias": torch.ones(3).to_sparse()}, "bias is without plain values"),
        ({"bias": torch.ones(3, device="meta")}, "bias is without plain values"),
        ({"bias": None}, "bias is absent"),
        ({"more": torch.ones(1)}, "more is of size [1] with floats"),
        (
            {"bias": torch.tensor([1, torch.nan, torch.inf])},
            "bias in '{}' is NaN or infinite in 2 values",
        ),
    ],
)
def test_what_does_not_fit_is_named(
    changed: dict[str, Tensor | None], said: str, tmp_path: Path
) -> None:
    path = saved(tmp_path, **changed)

    with pytest.raises(UsageError, match=re.escape(said.format(path))):
        load_weights(nn.BatchNorm2d(3), path)
