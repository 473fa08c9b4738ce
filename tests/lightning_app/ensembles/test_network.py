"""The network of several runs."""

import torch
from torch import nn

from callbacks.network.fuse_batch_norm import fused
from models import AttentionUNet, Ensemble, Mirrored, UNet


def test_batch_normalisation_is_fused_in_every_member() -> None:
    torch.manual_seed(0)
    widths = [4, 4, 4, 4, 4]
    members = [UNet(widths=widths), Mirrored(UNet(widths=widths)), AttentionUNet(widths=widths)]
    for module in nn.ModuleList(members).modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -1, 1)  # type: ignore[arg-type]
            nn.init.uniform_(module.running_var, 0.5, 2)  # type: ignore[arg-type]
    ensemble, image = Ensemble(members).eval(), torch.randn(2, 1, 32, 32)
    plain = [sum(isinstance(m, nn.BatchNorm2d) for m in member.modules()) for member in members]

    with torch.no_grad():
        expected = ensemble(image)
        with fused(ensemble):
            left = [
                sum(isinstance(m, nn.BatchNorm2d) for m in member.modules()) for member in members
            ]
            found = ensemble(image)

    assert min(plain) > 0
    assert left == [0, 0, 0]
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
