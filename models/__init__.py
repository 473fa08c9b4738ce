"""Networks for segmentation in two dimensions: nn.Modules, and nothing that trains them."""

from models.unet import AttentionUNet, AttentionUNetASPP, AttentionUNetSPP, UNet, UNetFrame

__all__ = ["AttentionUNet", "AttentionUNetASPP", "AttentionUNetSPP", "UNet", "UNetFrame"]
