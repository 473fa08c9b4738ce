import numpy as np
import pytest
import torch

from models.skips import AttentionGate, PlainSkip
from tests.models import reference
from tests.models.reference import drawn, ready


def test_plain_skip_returns_its_feature() -> None:
    x = drawn(1, 4, 6, 6)

    assert PlainSkip(4, 8)(x, drawn(1, 8, 3, 3)) is x


@pytest.mark.parametrize(("height", "width"), [(6, 10), (2, 2)])
@pytest.mark.parametrize("gate_channels", [8, 5])
def test_gate_matches_equations_1_and_2(height: int, width: int, gate_channels: int) -> None:
    x, gate = drawn(2, 4, height, width), drawn(2, gate_channels, height // 2, width // 2, seed=1)
    module, weights = ready(AttentionGate(4, gate_channels))

    alpha = reference.attention(x.numpy(), gate.numpy(), weights, name="")

    assert alpha.shape == (2, 1, height, width)
    np.testing.assert_allclose(
        module.attention(x, gate).detach().numpy(), alpha, rtol=0, atol=1e-12
    )
    np.testing.assert_allclose(
        module(x, gate).detach().numpy(), x.numpy() * alpha, rtol=0, atol=1e-12
    )


def test_gate_opens_and_closes() -> None:
    x, gate = drawn(1, 4, 6, 6), drawn(1, 8, 3, 3)
    module = AttentionGate(4, 8).double()
    bias = module.psi.bias
    assert bias is not None

    with torch.no_grad():
        bias.fill_(40)
        torch.testing.assert_close(module(x, gate), x)
        bias.fill_(-40)
        torch.testing.assert_close(module(x, gate), torch.zeros_like(x))


def test_gate_keeps_no_state_of_a_call() -> None:
    module = AttentionGate(4, 8).double()
    before = set(vars(module))

    module(drawn(1, 4, 6, 6), drawn(1, 8, 3, 3))

    assert set(vars(module)) == before
    assert not list(module.buffers())


def test_gate_of_odd_width_is_rejected() -> None:
    with pytest.raises(ValueError, match=r"channels is 7, expected an even number.*widths"):
        AttentionGate(7, 14)


@pytest.mark.parametrize(
    ("channels", "gate_channels", "words"),
    [(0, 8, "^channels is 0, expected"), (4, -8, "^gate_channels is -8, expected")],
)
def test_gate_without_channels_is_rejected(channels: int, gate_channels: int, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        AttentionGate(channels, gate_channels)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_gate_matches_a_strided_convolution_in_value_and_gradient(
    memory_format: torch.memory_format,
) -> None:
    x, gate = drawn(2, 8, 12, 16).requires_grad_(), drawn(2, 16, 6, 8, seed=1)
    module = AttentionGate(8, 16).double()
    strided = torch.nn.functional.conv2d(x, module.from_skip.weight, stride=2)
    q = module.psi(torch.relu(strided + module.from_gate(gate))).sigmoid()
    alpha = torch.nn.functional.interpolate(q, scale_factor=2, mode="bilinear")
    parameters = [x, *module.parameters()]
    expected = torch.autograd.grad((x * alpha).square().sum(), parameters)

    module.to(memory_format=memory_format)  # type: ignore[call-overload]
    formatted = x.contiguous(memory_format=memory_format)
    gated = module(formatted, gate.contiguous(memory_format=memory_format))
    gradients = torch.autograd.grad(gated.square().sum(), [x, *module.parameters()])

    torch.testing.assert_close(gated, x * alpha, rtol=0, atol=1e-13)
    torch.testing.assert_close(gradients, expected, rtol=1e-12, atol=1e-12)
