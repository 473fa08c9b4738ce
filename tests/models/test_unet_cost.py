import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from lightning_app.runs.model_summary import count_multiply_adds
from models import AttentionUNet, AttentionUNetASPP, AttentionUNetASPPv2, AttentionUNetSPP, UNet
from tests.models.variants import Variant


def conv(kernel: int, inputs: int, outputs: int, *, bias: bool) -> int:
    return kernel * kernel * inputs * outputs + (outputs if bias else 0)


def norm(channels: int) -> int:
    return 2 * channels


def double_conv(inputs: int, outputs: int) -> int:
    first = conv(3, inputs, outputs, bias=False) + norm(outputs)
    second = conv(3, outputs, outputs, bias=False) + norm(outputs)
    return first + second


def unet_parameters() -> int:
    down = double_conv(1, 64) + double_conv(64, 128) + double_conv(128, 256)
    down += double_conv(256, 512) + double_conv(512, 1024)
    up = sum(conv(2, 2 * c, c, bias=True) + double_conv(2 * c, c) for c in (512, 256, 128, 64))
    return down + up + conv(1, 64, 1, bias=True)


def gate_parameters() -> int:
    return sum(
        conv(1, c, c // 2, bias=False)  # W_x
        + conv(1, 2 * c, c // 2, bias=True)  # W_g
        + conv(1, c // 2, 1, bias=True)  # psi
        for c in (64, 128, 256, 512)
    )


def spp_parameters() -> int:
    branches = 4 * conv(1, 1024, 256, bias=True)
    return branches + conv(1, 1024 + 4 * 256, 1024, bias=False) + norm(1024)


def aspp_parameters() -> int:
    pointwise = conv(1, 1024, 256, bias=False) + norm(256)
    atrous = 3 * (conv(3, 1024, 256, bias=False) + norm(256))
    pooled = conv(1, 1024, 256, bias=True)
    return pointwise + atrous + pooled + conv(1, 5 * 256, 1024, bias=False) + norm(1024)


def aspp_v2_parameters() -> int:
    fc6, fc7, fc8 = (
        conv(3, 1024, 256, bias=True), conv(1, 256, 256, bias=True), conv(1, 256, 1024, bias=True),
    )  # fmt: skip
    return 4 * (fc6 + fc7 + fc8)


@pytest.mark.parametrize(
    ("network", "parameters", "millions"),
    [
        (UNet, unet_parameters(), 31.0),
        (AttentionUNet, unet_parameters() + gate_parameters(), 31.6),
        (AttentionUNetSPP, unet_parameters() + gate_parameters() + spp_parameters(), 34.7),
        (AttentionUNetASPP, unet_parameters() + gate_parameters() + 3 * aspp_parameters(), 58.3),
        (
            AttentionUNetASPPv2,
            unet_parameters() + gate_parameters() + 3 * aspp_v2_parameters(),
            63.8,
        ),
    ],
)
def test_parameter_counts(network: Variant, parameters: int, millions: float) -> None:
    with torch.device("meta"):
        counted = sum(p.numel() for p in network().parameters())

    assert counted == parameters
    assert round(counted / 1e6, 1) == millions


@pytest.mark.parametrize(
    ("network", "billions"),
    [
        (UNet, 42.3),
        (AttentionUNet, 42.6),
        (AttentionUNetSPP, 43.1),
        (AttentionUNetASPP, 48.5),
        (AttentionUNetASPPv2, 49.9),
    ],
)
def test_multiply_adds_for_a_slice_of_240_x_240(network: Variant, billions: float) -> None:
    with torch.device("meta"):
        multiply_adds, _ = count_multiply_adds(network(), torch.empty(1, 1, 240, 240))

    assert round(multiply_adds / 1e9, 1) == billions


def test_taps_that_read_only_padding_are_not_computed() -> None:
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        AttentionUNetASPP()(torch.empty(1, 1, 240, 240))

    # Of 48.5 billion: in each of three blocks, eight of nine taps of rate 18, on 15 x 15 pixels.
    skipped = 3 * 8 * 1024 * 256 * 15 * 15
    assert round((counter.get_total_flops() / 2 + skipped) / 1e9, 1) == 48.5
