"""A UNet that draws random numbers in training, to test that resuming restores their state."""

from torch import Tensor, nn

from models import UNet


class DropoutUNet(nn.Module):
    """A UNet with dropout on its input.

    Args:
        in_channels: channels of the images.
        out_channels: channels of the logits.
        widths: channels of the UNet's levels.
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
        """Map images (N, in_channels, H, W) to logits (N, out_channels, H, W)."""
        logits: Tensor = self.unet(self.dropout(image))
        return logits
