import numpy as np
import pytest
import torch
from torch import nn

from models import AttentionUNet, AttentionUNetASPP, AttentionUNetASPPv2, AttentionUNetSPP, UNet
from models.pyramids import ASPP, SPP, ASPPv2
from models.skips import AttentionGate, PlainSkip
from tests.models import reference
from tests.models.reference import Array, Weights, drawn, ready
from tests.models.variants import GATED, PYRAMIDS, SMALL, Variant, each_network, seeded

# Definitions


def unet(x: Array, weights: Weights, levels: int, *, gated: bool) -> Array:
    """The U-Net, in NumPy and independent of the implementation."""
    features = []
    for level in range(levels - 1):
        features.append(reference.double_conv(x, weights, f"encoder.{level}"))
        height, width = x.shape[2] // 2, x.shape[3] // 2
        x = features[-1].reshape(*features[-1].shape[:2], height, 2, width, 2).max(axis=(3, 5))
    x = reference.double_conv(x, weights, "bottom")
    for step, feature in enumerate(reversed(features)):
        alpha = reference.attention(feature, x, weights, f"skips.{step}.") if gated else 1.0
        upsampled = reference.up_convolution(x, weights, f"ups.{step}")
        joined = np.concatenate([feature * alpha, upsampled], axis=1)
        x = reference.double_conv(joined, weights, f"decoder.{step}")
    return reference.pointwise(x, weights, "head")


@pytest.mark.parametrize(("network", "gated"), [(UNet, False), (AttentionUNet, True)])
@pytest.mark.parametrize("widths", [(4, 8), (2, 6, 7)])
def test_network_matches_its_definition(
    network: Variant, gated: bool, widths: tuple[int, ...]
) -> None:
    x = drawn(2, 3, 8, 12)
    module, weights = ready(network(3, 2, widths))

    expected = unet(x.numpy(), weights, len(widths), gated=gated)

    assert expected.shape == (2, 2, 8, 12)
    np.testing.assert_allclose(module(x).detach().numpy(), expected, rtol=0, atol=1e-12)


def test_variants_differ_only_in_skips_and_bottleneck() -> None:
    def parts(network: Variant) -> tuple[set[type], type]:
        module = seeded(network)
        return {type(skip) for skip in module.skips}, type(module.bottleneck)

    assert parts(UNet) == ({PlainSkip}, nn.Identity)
    assert parts(AttentionUNet) == ({AttentionGate}, nn.Identity)
    assert parts(AttentionUNetSPP) == ({AttentionGate}, SPP)
    assert parts(AttentionUNetASPP) == ({AttentionGate}, nn.Sequential)
    assert {type(block) for block in seeded(AttentionUNetASPP).bottleneck.children()} == {ASPP}
    assert parts(AttentionUNetASPPv2) == ({AttentionGate}, nn.Sequential)
    assert {type(block) for block in seeded(AttentionUNetASPPv2).bottleneck.children()} == {ASPPv2}


def test_one_seed_gives_shared_layers_the_same_weights() -> None:
    shared = seeded(UNet).state_dict()

    for network in GATED:
        weights = seeded(network).state_dict()
        assert all(torch.equal(weights[name], value) for name, value in shared.items())
        added = {name.split(".")[0] for name in weights.keys() - shared.keys()}
        assert added <= {"skips", "bottleneck"}


def test_one_seed_gives_gates_the_same_weights() -> None:
    gated = seeded(AttentionUNet).state_dict()

    for network in PYRAMIDS:
        weights = seeded(network).state_dict()
        assert all(torch.equal(weights[name], value) for name, value in gated.items())


@pytest.mark.parametrize("network", [AttentionUNetASPP, AttentionUNetASPPv2])
def test_zero_aspp_blocks_give_the_attention_unet(
    network: type[AttentionUNetASPP | AttentionUNetASPPv2],
) -> None:
    torch.manual_seed(7)
    ablated = network(widths=SMALL, blocks=0)
    x = torch.randn(2, 1, 32, 32)

    assert torch.equal(ablated(x), seeded(AttentionUNet)(x))


# Shapes, training and precision


@each_network
@pytest.mark.parametrize(
    ("in_channels", "out_channels", "height", "width"), [(1, 1, 32, 32), (4, 3, 48, 80)]
)
def test_logits_have_the_size_of_the_images(
    network: Variant, in_channels: int, out_channels: int, height: int, width: int
) -> None:
    images = torch.randn(2, in_channels, height, width)

    logits = network(in_channels, out_channels, SMALL)(images)

    assert logits.shape == (2, out_channels, height, width)


@each_network
def test_gradients_reach_every_parameter(network: Variant) -> None:
    # Several images and a wide bottom: a map that is constant over the whole batch is cancelled by
    # the batch normalisation after it, and a branch that pools is constant over each image.
    module = seeded(network, widths=(16, 16, 32, 32, 64)).double()

    (module(drawn(4, 1, 32, 48)) * drawn(4, 1, 32, 48, seed=1)).sum().backward()

    largest = {
        name: 0.0 if weight.grad is None else weight.grad.abs().max().item()
        for name, weight in module.named_parameters()
    }
    # Rounding leaves about 1e-13 if the gradient is zero.
    assert {name for name, value in largest.items() if not value > 1e-6} == set()


@each_network
def test_a_batch_of_one_trains_at_the_smallest_size(network: Variant) -> None:
    module = seeded(network).train()
    before = module.head.weight.clone()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)

    module(torch.randn(1, 1, 32, 32)).square().mean().backward()
    optimizer.step()

    assert all(weight.isfinite().all() for weight in module.parameters())
    assert not torch.equal(module.head.weight, before)


@each_network
def test_evaluation_is_repeatable_and_independent_of_the_batch(network: Variant) -> None:
    module = seeded(network).eval()
    images = torch.randn(3, 1, 32, 32)

    with torch.no_grad():
        logits = module(images)
        assert torch.equal(module(images), logits)
        torch.testing.assert_close(module(images[1:2]), logits[1:2])


@each_network
def test_bfloat16_autocast_stays_near_float32(network: Variant) -> None:
    module = seeded(network).train()
    images = torch.randn(2, 1, 32, 32)

    exact = module(images)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = module(images)

    assert rounded.dtype == torch.bfloat16
    assert (rounded.float() - exact).abs().mean() < 0.1 * exact.std()
