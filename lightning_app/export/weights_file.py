"""model.safetensors and config.yaml: the networks of a model, to be built again in Python."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import nn

from callbacks.utils.atomic_write import atomic_write


def write_weights(networks: nn.ModuleList, path: Path) -> None:
    """Write the weights of networks; the key of a weight begins with the index of its network.

    Args:
        networks: of the runs, in order.
        path: the file.
    """
    from safetensors.torch import save

    # It refuses tensors in channels_last order, and those that share memory.
    weights = {
        name: value.detach().clone(memory_format=torch.contiguous_format)
        for name, value in networks.state_dict().items()
    }
    path.write_bytes(save(weights, metadata={"format": "pt"}))


def read_weights(networks: nn.ModuleList, path: Path) -> None:
    """Load the weights of a file into networks, which must have the same names."""
    from safetensors.torch import load_file

    networks.load_state_dict(load_file(path))


def write_config(
    networks: Sequence[Mapping[str, Any]], path: Path, *, exclusive: bool, tta: str | None
) -> None:
    """Write how the networks are built and joined.

    Args:
        networks: class_path and init_args of each.
        path: the file.
        exclusive: whether the channels of the logits exclude one another.
        tta: mirror if the mean is also over mirror images.
    """
    content = {"networks": list(networks), "exclusive": exclusive, "tta": tta}
    text = (
        "# The networks whose weights are in model.safetensors, below the index of each. Their\n"
        "# mean probability is the output; with tta: mirror also over the three mirror images.\n"
    )
    with atomic_write(path) as temporary:
        temporary.write_text(text + yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
