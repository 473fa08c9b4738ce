"""What may be put at the skips of a U-Net.

A skip is built from its own channels and those of the gating feature, and is called with both maps.
"""

from torch import Tensor, nn

from models.blocks import check_positive, resample_like


class PlainSkip(nn.Module):
    """The skip of the plain U-Net: hands the encoder's feature on as it is.

    Takes the channels that every skip is given, and has no use for them.
    """

    def __init__(self, *_channels: int) -> None:
        super().__init__()

    def forward(self, x: Tensor, _gate: Tensor) -> Tensor:
        """Return x (N, c, H, W) itself."""
        return x


class AttentionGate(nn.Module):
    """Additive attention on a skip: Oktay et al. (2018), "Attention U-Net", equations 1 and 2.

    q = psi(relu(W_x x + W_g g)) on the coarser grid, alpha = sigmoid(q) resampled to x's size.

    Args:
        channels: c, the channels of the skip x; the sum has c/2.
        gate_channels: channels of the gating feature g.

    Raises:
        ValueError: channels is odd or either number is below 1.
    """

    def __init__(self, channels: int, gate_channels: int) -> None:
        super().__init__()
        check_positive("channels", channels)
        check_positive("gate_channels", gate_channels)
        if channels % 2:
            raise ValueError(
                f"channels is {channels}, expected an even number: an attention gate has half of "
                "its skip's channels inside (in a network, every entry of widths but the last)"
            )
        inner = channels // 2
        # One bias is enough for the sum of the two.
        self.from_skip = nn.Conv2d(channels, inner, kernel_size=1, bias=False)
        self.from_gate = nn.Conv2d(gate_channels, inner, kernel_size=1)
        self.psi = nn.Conv2d(inner, 1, kernel_size=1)

    def attention(self, x: Tensor, gate: Tensor) -> Tensor:
        """Return alpha (N, 1, H, W), each in 0..1, of x (N, c, H, W) and gate (N, g, H/2, W/2)."""
        # Every second pixel is what a stride of 2 takes. A strided convolution would be the same,
        # but its gradient in channels_last corrupts memory on CPUs (torch 2.13).
        q = self.psi(nn.functional.relu(self.from_skip(x[..., ::2, ::2]) + self.from_gate(gate)))
        return resample_like(q.sigmoid(), x)

    def forward(self, x: Tensor, gate: Tensor) -> Tensor:
        """Return x * alpha (N, c, H, W), of x (N, c, H, W) and gate (N, g, H/2, W/2)."""
        return x * self.attention(x, gate)
