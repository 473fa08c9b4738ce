"""Networks for 2-D segmentation: plain nn.Modules, independent of how they are trained."""

from models.ensembles import Ensemble, Mirrored
from models.unet import (
    AttentionUNet,
    AttentionUNetASPP,
    AttentionUNetASPPv2,
    AttentionUNetSPP,
    UNet,
    UNetFrame,
)

__all__ = [
    "AttentionUNet",
    "AttentionUNetASPP",
    "AttentionUNetASPPv2",
    "AttentionUNetSPP",
    "Ensemble",
    "Mirrored",
    "UNet",
    "UNetFrame",
]
