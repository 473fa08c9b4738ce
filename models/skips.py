"""Skip connections of a U-Net.

A skip is constructed with the channels of the skip feature and of the gating feature, and called
with both maps.
"""

from torch import Tensor, nn

from models.blocks import check_positive, resample_like


class PlainSkip(nn.Module):
    """The skip of the plain U-Net: passes on the encoder's feature unchanged.

    It accepts the channels that every skip is constructed with, and ignores them.
    """

    def __init__(self, *_channels: int) -> None:
        super().__init__()

    def forward(self, x: Tensor, _gate: Tensor) -> Tensor:
        """Return x (N, c, H, W) unchanged."""
        return x


class AttentionGate(nn.Module):
    """Additive attention on a skip: Oktay et al. (2018), "Attention U-Net", equations 1 and 2.

    q = psi(relu(W_x x + W_g g)) on the coarser grid; alpha = sigmoid(q), resampled to x's size.

    Args:
        channels: c, channels of the skip feature x; the sum has c/2.
        gate_channels: channels of the gating feature g.

    Raises:
        ValueError: ``channels`` is odd, or either number is below 1.
    """

    def __init__(self, channels: int, gate_channels: int) -> None:
        super().__init__()
        check_positive("channels", channels)
        check_positive("gate_channels", gate_channels)
        if channels % 2:
            raise ValueError(
                f"channels is {channels}, expected an even number, because an attention gate "
                "halves them (in a network, channels are the entries of widths except the last)"
            )
        inner = channels // 2
        # The two are added, so one bias is enough.
        self.from_skip = nn.Conv2d(channels, inner, kernel_size=1, bias=False)
        self.from_gate = nn.Conv2d(gate_channels, inner, kernel_size=1)
        self.psi = nn.Conv2d(inner, 1, kernel_size=1)

    def attention(self, x: Tensor, gate: Tensor) -> Tensor:
        """Return alpha (N, 1, H, W) in 0..1 for x (N, c, H, W) and gate (N, g, H/2, W/2)."""
        # Slicing every second pixel equals a convolution with stride 2, whose gradient in
        # channels_last corrupts memory on CPUs (torch 2.13).
        q = self.psi(nn.functional.relu(self.from_skip(x[..., ::2, ::2]) + self.from_gate(gate)))
        return resample_like(q.sigmoid(), x)

    def forward(self, x: Tensor, gate: Tensor) -> Tensor:
        """Return x * alpha (N, c, H, W) for x (N, c, H, W) and gate (N, g, H/2, W/2)."""
        return x * self.attention(x, gate)
