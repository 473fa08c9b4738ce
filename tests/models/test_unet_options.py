import ast
import sys
from pathlib import Path

import pytest
import torch
from jsonargparse import ArgumentParser
from torch import nn

import models
from models import AttentionUNetASPP, AttentionUNetSPP, UNet, UNetFrame
from tests.models.variants import GATED, SMALL, Variant, each_network

# What is refused


@each_network
@pytest.mark.parametrize(
    ("height", "width", "words"),
    [
        (250, 240, "height is 250, expected a multiple of 16 from 32 up; nearest: 240 or 256"),
        (240, 33, "width is 33, expected a multiple of 16 from 32 up; nearest: 32 or 48"),
        (16, 32, "height is 16, expected a multiple of 16 from 32 up; nearest: 32"),
        (32, 9, "width is 9, expected a multiple of 16 from 32 up; nearest: 32"),
    ],
)
def test_odd_sizes_are_refused_in_words(
    network: Variant, height: int, width: int, words: str
) -> None:
    with torch.device("meta"):
        module, images = network(widths=SMALL), torch.empty(1, 1, height, width)

    with pytest.raises(ValueError, match=f"^{words}$"):
        module(images)


def test_the_divisor_follows_from_the_levels() -> None:
    module = UNet(widths=(4, 4, 4))

    assert module(torch.randn(1, 1, 8, 12)).shape == (1, 1, 8, 12)
    with pytest.raises(ValueError, match=r"^width is 10, expected a multiple of 4 from 8 up"):
        module(torch.randn(1, 1, 8, 10))


@each_network
@pytest.mark.parametrize("widths", [(), (64,), (64, 0), (-8, 16)])
def test_bad_widths_are_refused_in_words(network: Variant, widths: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"^widths is \[.*\], expected 2 or more whole numbers"):
        network(widths=widths)


@each_network
def test_bad_channels_are_refused_in_words(network: Variant) -> None:
    with pytest.raises(ValueError, match=r"^in_channels is 0, expected"):
        network(in_channels=0)
    with pytest.raises(ValueError, match=r"^out_channels is -1, expected"):
        network(out_channels=-1)


def test_widths_that_a_seam_cannot_halve_or_quarter_are_refused_in_words() -> None:
    for network in GATED:
        with pytest.raises(ValueError, match=r"^channels is 7, expected an even number.*widths"):
            network(widths=(7, 8))
    for network in (AttentionUNetSPP, AttentionUNetASPP):
        with pytest.raises(ValueError, match=r"^channels is 6, expected a multiple of 4.*widths"):
            network(widths=(8, 6))


def test_bad_options_of_the_pyramids_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"^sizes is \[\], expected"):
        AttentionUNetSPP(widths=(4, 8), sizes=())
    with pytest.raises(ValueError, match=r"^rates is \[6, 0\], expected"):
        AttentionUNetASPP(widths=(4, 8), rates=(6, 0))
    with pytest.raises(ValueError, match=r"^blocks is -1, expected"):
        AttentionUNetASPP(widths=(4, 8), blocks=-1)
    with pytest.raises(ValueError, match=r"^branch_width is 0, expected"):
        AttentionUNetASPP(widths=(4, 8), branch_width=0)


# How it is used


def test_options_of_the_spp_reach_it() -> None:
    bottom = AttentionUNetSPP(widths=(4, 8), sizes=(1, 4), branch_width=3).bottleneck

    assert bottom.sizes == (1, 4)
    assert bottom.state_dict()["merge.0.weight"].shape == (8, 8 + 2 * 3, 1, 1)
    assert AttentionUNetSPP(widths=(4, 8)).bottleneck.sizes == (1, 2, 3, 6)


def test_options_of_the_aspp_reach_every_block() -> None:
    def dilations(network: UNetFrame) -> list[int]:
        convolutions = (m for m in network.bottleneck.modules() if isinstance(m, nn.Conv2d))
        return [m.dilation[0] for m in convolutions if m.kernel_size == (3, 3)]

    network = AttentionUNetASPP(widths=(4, 8), rates=(1, 2), blocks=2, branch_width=3)

    assert dilations(network) == [1, 2] * 2
    assert network.bottleneck.state_dict()["1.merge.0.weight"].shape == (8, 4 * 3, 1, 1)
    assert dilations(AttentionUNetASPP(widths=(4, 8))) == [6, 12, 18] * 3


@pytest.mark.parametrize(
    ("class_path", "options"),
    [
        ("models.UNet", {}),
        ("models.AttentionUNet", {"in_channels": 2}),
        ("models.AttentionUNetSPP", {"sizes": [1, 4], "branch_width": 3}),
        ("models.AttentionUNetASPP", {"rates": [1, 2], "blocks": 0, "branch_width": None}),
    ],
)
def test_class_paths_take_their_options_from_a_config(
    class_path: str, options: dict[str, object]
) -> None:
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--network", type=nn.Module)
    init_args = {"widths": [4, 8], **options}

    config = parser.parse_object({"network": {"class_path": class_path, "init_args": init_args}})
    network = parser.instantiate(config).network

    assert type(network) is getattr(models, class_path.removeprefix("models."))
    assert network.bottom[0][0].weight.shape[:2] == (8, 4)


def test_the_room_imports_torch_alone() -> None:
    imported = set()
    for file in Path(models.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(node.module or "")

    others = {name.split(".")[0] for name in imported} - sys.stdlib_module_names
    assert others == {"models", "torch"}
