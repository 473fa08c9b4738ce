"""Runs the networks of config.yaml with the weights of model.safetensors, by torch on the CPU."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from jsonargparse import Namespace
from torch import nn

from lightning_app.config.import_allowlist import check_named, restrict_imports, trusted_names
from lightning_app.config.parser import ExperimentParser
from lightning_app.ensembles.network import join
from lightning_app.ensembles.predictor import MIRROR
from lightning_app.export.network import WithProbabilities, members
from lightning_app.export.runtimes.decoding import Images, Probabilities, Runner
from lightning_app.export.runtimes.exported_model import ExportedModel
from lightning_app.runs.record_values import RecordError, Values
from lightning_app.runs.weights import check_fit
from lightning_app.utils.errors import UsageError
from lightning_app.utils.private_api import raising_parser
from lightning_app.utils.weight_limit import WeightLimit
from lightning_app.utils.yaml_file import parse_yaml


def torch_runner(model: ExportedModel, trust: Sequence[str]) -> Runner:
    """A function that runs the networks on images (N, modalities, H, W), in float32.

    Args:
        model: its weights and config are read.
        trust: modules and classes that the config may name besides those of the program.

    Raises:
        UsageError: a file was changed, is damaged, or names classes that are not trusted.
    """
    folder, record = model.folder, model.record
    exclusive = record.output.exclusive
    trusted = trusted_names([f"--trust={name}" for name in trust])
    networks = [_built(options.content, folder.config, trusted) for options in _networks(model)]
    joined = join(networks, exclusive=exclusive, is_mirrored=record.tta == MIRROR)
    _load(members(joined), model.read(folder.weights), folder.weights)
    network = WithProbabilities(joined, exclusive=exclusive).eval()

    def run(images: Images) -> Probabilities:
        with torch.inference_mode():
            try:
                probabilities: Probabilities = network(torch.from_numpy(images)).numpy()
            except (RuntimeError, ValueError, TypeError) as error:
                raise UsageError(f"{folder.config}: its network: {_line(error)}") from error
        return probabilities

    return run


def _networks(model: ExportedModel) -> list[Values]:
    """The options of each network.

    Raises:
        UsageError: config.yaml was changed, is damaged, or joins them in another way than
            model.json says.
    """
    path = model.folder.config
    try:
        content: Any = parse_yaml(model.read(path).decode("utf-8"))
    except ValueError as error:
        raise RecordError(path, f"it {error}") from None
    if not isinstance(content, dict):
        raise RecordError(path, "it is no mapping of options to values")
    values = Values(content, path)
    expected = {"exclusive": model.record.output.exclusive, "tta": model.record.tta}
    for key, wanted in expected.items():
        if content.get(key) != wanted:
            name = model.folder.record.name
            raise RecordError(path, f"{key} is {content.get(key)!r}, in {name} it is {wanted!r}")
    networks = values.list_of_values("networks")
    if not networks:
        raise RecordError(path, "networks is empty")
    return networks


def _built(options: Mapping[str, Any], path: Path, trusted: Sequence[str]) -> nn.Module:
    """A network with new weights. Raises UsageError."""
    parser = ExperimentParser()
    parser.add_argument("--network", type=nn.Module)
    with restrict_imports(trusted):
        try:
            with raising_parser(parser):
                parsed: Namespace = parser.parse_object({"network": dict(options)})
            check_named(parsed, trusted)
            with WeightLimit():
                network: nn.Module = parser.instantiate(parsed).network
        except (
            argparse.ArgumentError, ValueError, TypeError, MemoryError, RuntimeError,
        ) as error:  # fmt: skip
            raise UsageError(f"{path}: {_line(error)}") from error
    return network


def _load(networks: nn.ModuleList, content: bytes, path: Path) -> None:
    """Give networks their weights. Raises UsageError."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        weights = load(content)
    except (SafetensorError, ValueError, KeyError) as error:
        raise UsageError(f"{path}: it is damaged: {_line(error)}") from None
    check_fit(weights, networks.state_dict(), networks, path)
    networks.load_state_dict(weights)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
