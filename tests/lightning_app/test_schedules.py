import math

import pytest
import torch

from lightning_app.schedules import CosineAnnealing


def optimizer(rate: float = 1e-3) -> torch.optim.Optimizer:
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)


@pytest.mark.parametrize(("cycle", "lowest"), [(100, 0.0), (10, 1e-5)])
def test_the_rate_follows_equation_4_and_restarts(cycle: int, lowest: float) -> None:
    stepped = optimizer()
    schedule = CosineAnnealing(stepped, T_0=cycle, eta_min=lowest)
    for epoch in range(2 * cycle):
        current = epoch % cycle  # T_cur
        expected = lowest + (1e-3 - lowest) * (1 + math.cos(math.pi * current / cycle)) / 2
        assert stepped.param_groups[0]["lr"] == pytest.approx(expected, abs=1e-12)
        stepped.step()
        schedule.step()


def test_cycles_may_grow() -> None:
    stepped = optimizer()
    schedule = CosineAnnealing(stepped, T_0=2, T_mult=3)
    rates = []
    for _ in range(9):
        rates.append(stepped.param_groups[0]["lr"])
        stepped.step()
        schedule.step()

    assert [epoch for epoch, rate in enumerate(rates) if rate == pytest.approx(1e-3)] == [0, 2, 8]


def test_a_cycle_that_nobody_filled_in_is_refused() -> None:
    with pytest.raises(ValueError, match="T_0 is null"):
        CosineAnnealing(optimizer())
