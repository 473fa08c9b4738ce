"""A UNet that draws random numbers in training, to see whether they survive an interruption."""

from torch import Tensor, nn

from models import UNet


class DropoutUNet(nn.Module):
    """The UNet behind a dropout of its input.

    Args:
        in_channels: modalities.
        out_channels: channels of the logits.
        widths: of the UNet.
    """

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 1,
        widths: tuple[int, int, int, int, int] = (4, 4, 4, 4, 8),
    ) -> None:
        super().__init__()
        self.dropout = nn.Dropout(0.2)
        self.unet = UNet(in_channels, out_channels, widths)

    def forward(self, image: Tensor) -> Tensor:
        """Logits (N, out_channels, H, W) of images (N, in_channels, H, W)."""
        logits: Tensor = self.unet(self.dropout(image))
        return logits
