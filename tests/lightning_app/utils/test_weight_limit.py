import pytest
import torch

from lightning_app.utils import weight_limit
from lightning_app.utils.weight_limit import WeightLimit
from models import UNet


@pytest.fixture(autouse=True)
def _a_small_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weight_limit, "_memory", lambda: 2e6)


@pytest.mark.parametrize("widths", [(4, 300), (4, 20_000), (4, 10**9), (10**30, 4)])
def test_a_network_that_would_fill_half_of_the_memory_is_not_allocated(
    widths: tuple[int, ...],
) -> None:
    with (
        WeightLimit(),
        pytest.raises(MemoryError, match="need more than 0 GB, half of the memory"),
    ):
        UNet(widths=widths)


def test_a_network_that_fits_is_as_it_would_be_without_a_limit() -> None:
    networks = []
    for limit in (torch.no_grad(), WeightLimit()):
        torch.manual_seed(0)
        with limit:
            networks.append(UNet(widths=(4, 8)))
    plain, limited = (network.state_dict() for network in networks)
    assert all(torch.equal(plain[name], limited[name]) for name in plain)
