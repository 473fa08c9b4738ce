import torch
from torch import Tensor, nn

from callbacks.network.attention_hooks import attention_maps, find_gates


class Gate(nn.Module):
    def attention(self, x: Tensor) -> Tensor:
        return x[:, :1].sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        return x * self.attention(x)


class NotAGate(nn.Module):
    """Has a submodule, not a method, named attention."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.Linear(1, 1)


def test_maps_of_all_gates_are_recorded_within_the_context() -> None:
    network = nn.Sequential(nn.Identity(), Gate(), nn.Sequential(Gate(), nn.ReLU()))
    image = torch.randn(2, 3, 4, 4)
    with attention_maps(network) as maps:
        output = network(image)
    before = maps["1"].clone()
    network(torch.zeros(2, 3, 4, 4))

    assert set(maps) == {"1", "2.0"}
    assert torch.equal(before, image[:, :1].sigmoid())
    assert torch.equal(maps["1"], before)
    assert torch.equal(output, network(image))


def test_a_submodule_named_attention_is_not_a_gate() -> None:
    assert find_gates(nn.Sequential(NotAGate())) == {}
