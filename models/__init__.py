"""Networks for 2-D segmentation: plain nn.Modules, independent of how they are trained."""

from models.unet import AttentionUNet, AttentionUNetASPP, AttentionUNetSPP, UNet, UNetFrame

__all__ = ["AttentionUNet", "AttentionUNetASPP", "AttentionUNetSPP", "UNet", "UNetFrame"]
