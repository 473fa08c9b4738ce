"""The graph of every network is right for images of all sizes that the network takes."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import models
from lightning_app.export.network import WithProbabilities
from lightning_app.export.onnx_file import write_onnx
from lightning_app.export.runtimes.onnx_runtime import onnx_runner
from lightning_app.utils.errors import UsageError
from models import Ensemble

pytest.importorskip("onnxruntime")

# The first has bottoms smaller than the grids of SPP, and than the dilations of ASPP.
SIZES = [(1, 32, 48), (2, 176, 144), (3, 80, 112), (1, 240, 240)]


def lively(network: nn.Module) -> nn.Module:
    """Weights with which every part of a network changes its output."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None
            nn.init.normal_(module.running_mean, std=0.1)
    return network.eval()


def check(network: nn.Module, path: Path, sizes: list[tuple[int, int, int]] = SIZES) -> None:
    write_onnx(network, torch.zeros(2, 2, 64, 96), path)
    run = onnx_runner(path.read_bytes(), path.name)
    for number, height, width in sizes:
        image = torch.randn(number, 2, height, width)
        with torch.no_grad():
            expected = network(image).numpy()
        assert expected.std() > 0.01
        np.testing.assert_allclose(run(image.numpy()), expected, atol=2e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["UNet", "AttentionUNet", "AttentionUNetSPP", "AttentionUNetASPP", "AttentionUNetASPPv2"],
)
def test_every_network(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = lively(getattr(models, name)(2, 4, [4, 8, 16, 16, 32]))
    check(WithProbabilities(network, exclusive=True), tmp_path / "model.onnx")


def test_pyramids_in_an_ensemble(tmp_path: Path) -> None:
    """With two levels, which takes less time.

    The grid is finer than the first map, and only the last map is larger than the dilation.
    """
    torch.manual_seed(0)
    spp = models.AttentionUNetSPP(2, 1, [4, 8], sizes=[3])
    aspp = models.AttentionUNetASPP(2, 1, [4, 8], rates=[60], blocks=1)
    network = Ensemble([lively(spp), lively(aspp)])
    sizes = [(1, 4, 10), (3, 64, 50), (1, 160, 130)]
    check(WithProbabilities(network, exclusive=False), tmp_path / "model.onnx", sizes)


class Odd(nn.Module):
    """Does what no graph can."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return image if float(image.sum()) > 0 else -image


def test_a_network_that_has_no_graph_is_an_error_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    with pytest.raises(UsageError, match=r"^torch cannot write the network as ONNX: ") as error:
        write_onnx(Odd(), torch.zeros(2, 2, 64, 96), path)
    assert "\n" not in str(error.value)
    assert not path.exists()
