import ast
import sys
from pathlib import Path

import pytest
import torch
from jsonargparse import ArgumentParser
from torch import nn

import models
from models import AttentionUNetASPP, AttentionUNetASPPv2, AttentionUNetSPP, UNet, UNetFrame
from tests.models.variants import GATED, PYRAMIDS, SMALL, Variant, each_network

# Validation


@each_network
@pytest.mark.parametrize(
    ("height", "width", "words"),
    [
        (250, 240, "height is 250, expected a multiple of 16 of at least 32; nearest: 240 or 256"),
        (240, 33, "width is 33, expected a multiple of 16 of at least 32; nearest: 32 or 48"),
        (16, 32, "height is 16, expected a multiple of 16 of at least 32; nearest: 32"),
        (32, 9, "width is 9, expected a multiple of 16 of at least 32; nearest: 32"),
    ],
)
def test_invalid_sizes_are_rejected(network: Variant, height: int, width: int, words: str) -> None:
    with torch.device("meta"):
        module, images = network(widths=SMALL), torch.empty(1, 1, height, width)

    with pytest.raises(ValueError, match=f"^{words}$"):
        module(images)


def test_the_divisor_depends_on_the_number_of_levels() -> None:
    module = UNet(widths=(4, 4, 4))

    assert module(torch.randn(1, 1, 8, 12)).shape == (1, 1, 8, 12)
    with pytest.raises(ValueError, match=r"^width is 10, expected a multiple of 4 of at least 8"):
        module(torch.randn(1, 1, 8, 10))


@each_network
@pytest.mark.parametrize("widths", [(), (64,), (64, 0), (-8, 16)])
def test_invalid_widths_are_rejected(network: Variant, widths: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"^widths is \[.*\], expected 2 or more whole numbers"):
        network(widths=widths)


@each_network
def test_invalid_channels_are_rejected(network: Variant) -> None:
    with pytest.raises(ValueError, match=r"^in_channels is 0, expected"):
        network(in_channels=0)
    with pytest.raises(ValueError, match=r"^out_channels is -1, expected"):
        network(out_channels=-1)


def test_widths_that_cannot_be_halved_or_quartered_are_rejected() -> None:
    for network in GATED:
        with pytest.raises(ValueError, match=r"^channels is 7, expected an even number.*widths"):
            network(widths=(7, 8))
    for network in PYRAMIDS:
        with pytest.raises(ValueError, match=r"^channels is 6, expected a multiple of 4.*widths"):
            network(widths=(8, 6))


def test_invalid_options_of_the_pyramids_are_rejected() -> None:
    with pytest.raises(ValueError, match=r"^sizes is \[\], expected"):
        AttentionUNetSPP(widths=(4, 8), sizes=())
    for network in (AttentionUNetASPP, AttentionUNetASPPv2):
        with pytest.raises(ValueError, match=r"^rates is \[6, 0\], expected"):
            network(widths=(4, 8), rates=(6, 0))
        with pytest.raises(ValueError, match=r"^blocks is -1, expected"):
            network(widths=(4, 8), blocks=-1)
        with pytest.raises(ValueError, match=r"^branch_width is 0, expected"):
            network(widths=(4, 8), branch_width=0)


# Options


def test_options_of_the_spp_are_passed_on() -> None:
    bottom = AttentionUNetSPP(widths=(4, 8), sizes=(1, 4), branch_width=3).bottleneck

    assert bottom.sizes == (1, 4)
    assert bottom.state_dict()["merge.0.weight"].shape == (8, 8 + 2 * 3, 1, 1)
    assert AttentionUNetSPP(widths=(4, 8)).bottleneck.sizes == (1, 2, 3, 6)


@pytest.mark.parametrize(
    ("network", "weight", "shape", "default_rates"),
    [
        (AttentionUNetASPP, "1.merge.0.weight", (8, 4 * 3, 1, 1), [6, 12, 18]),
        (AttentionUNetASPPv2, "1.branches.1.4.weight", (8, 3, 1, 1), [6, 12, 18, 24]),
    ],
)
def test_options_of_the_aspp_are_passed_to_every_block(
    network: type[AttentionUNetASPP | AttentionUNetASPPv2],
    weight: str,
    shape: tuple[int, ...],
    default_rates: list[int],
) -> None:
    def dilations(module: UNetFrame) -> list[int]:
        convolutions = (m for m in module.bottleneck.modules() if isinstance(m, nn.Conv2d))
        return [m.dilation[0] for m in convolutions if m.kernel_size == (3, 3)]

    module = network(widths=(4, 8), rates=(1, 2), blocks=2, branch_width=3)

    assert dilations(module) == [1, 2] * 2
    assert module.bottleneck.state_dict()[weight].shape == shape
    assert dilations(network(widths=(4, 8))) == default_rates * 3


@pytest.mark.parametrize(
    ("class_path", "options"),
    [
        ("models.UNet", {}),
        ("models.AttentionUNet", {"in_channels": 2}),
        ("models.AttentionUNetSPP", {"sizes": [1, 4], "branch_width": 3}),
        ("models.AttentionUNetASPP", {"rates": [1, 2], "blocks": 0, "branch_width": None}),
        ("models.AttentionUNetASPPv2", {"rates": [1, 2], "blocks": 1, "branch_width": 3}),
    ],
)
def test_a_config_can_name_a_network_and_its_options(
    class_path: str, options: dict[str, object]
) -> None:
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--network", type=nn.Module)
    init_args = {"widths": [4, 8], **options}

    config = parser.parse_object({"network": {"class_path": class_path, "init_args": init_args}})
    network = parser.instantiate(config).network

    assert type(network) is getattr(models, class_path.removeprefix("models."))
    assert network.bottom[0][0].weight.shape[:2] == (8, 4)


def test_models_import_only_torch() -> None:
    imported = set()
    for file in Path(models.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(node.module or "")

    others = {name.split(".")[0] for name in imported} - sys.stdlib_module_names
    assert others == {"models", "torch"}
