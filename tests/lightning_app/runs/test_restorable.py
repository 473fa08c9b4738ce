"""What every optimizer and schedule saves is accepted."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn, optim
from torch.optim import lr_scheduler

from lightning_app.runs.restorable import _check_alike, _check_counts, _rehearse_step

OPTIMIZERS: dict[str, Callable[[Any], optim.Optimizer]] = {
    "Adam": optim.Adam,
    "AdamW with a maximum": lambda p: optim.AdamW(p, amsgrad=True),
    "Adam with float rates in a tensor": lambda p: optim.Adam(p, lr=torch.tensor(0.1)),
    "SGD": optim.SGD,
    "SGD with momentum": lambda p: optim.SGD(p, momentum=0.9),
    "RMSprop": lambda p: optim.RMSprop(p, momentum=0.9, centered=True),
    "Adagrad": optim.Adagrad,
    "Adadelta": optim.Adadelta,
    "Adafactor": optim.Adafactor,
    "ASGD": optim.ASGD,
    "Rprop": optim.Rprop,
    "LBFGS": optim.LBFGS,
}
SCHEDULES: dict[str, Callable[[optim.Optimizer], Any]] = {
    "ReduceLROnPlateau": lr_scheduler.ReduceLROnPlateau,
    "OneCycleLR": lambda o: lr_scheduler.OneCycleLR(o, 0.1, total_steps=3),
    "SequentialLR": lambda o: lr_scheduler.SequentialLR(
        o, [lr_scheduler.ConstantLR(o), lr_scheduler.ExponentialLR(o, 0.9)], [1]
    ),
    "MultiStepLR": lambda o: lr_scheduler.MultiStepLR(o, [1, 2]),
}


def trained(build: Callable[[Any], optim.Optimizer]) -> optim.Optimizer:
    """An optimizer after two steps."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    optimizer = build(network.parameters())

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        value = network(torch.ones(4, 3)).square().sum()
        value.backward()
        return value  # type: ignore[no-any-return]

    for _ in range(2):
        optimizer.step(loss)  # type: ignore[arg-type]
    return optimizer


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_rehearsal_accepts_a_saved_state_and_changes_neither_weights_nor_optimizer(
    name: str,
) -> None:
    optimizer = trained(OPTIMIZERS[name])
    weights = [p.detach().clone() for group in optimizer.param_groups for p in group["params"]]
    before = copy.deepcopy(optimizer.state_dict())

    _rehearse_step(optimizer, copy.deepcopy(optimizer.state_dict()))

    after = [p for group in optimizer.param_groups for p in group["params"]]
    assert all(torch.equal(one, other) for one, other in zip(weights, after, strict=True))
    assert str(optimizer.state_dict()) == str(before)


def test_a_state_that_a_gpu_has_saved_is_rehearsed_on_the_cpu() -> None:
    state = trained(optim.Adam).state_dict()
    state["param_groups"][0] |= {"capturable": True, "fused": True}

    _rehearse_step(trained(optim.Adam), state)


@pytest.mark.parametrize("name", SCHEDULES)
def test_what_a_schedule_saves_is_like_a_new_one(name: str) -> None:
    used, new = (SCHEDULES[name](trained(optim.SGD)) for _ in range(2))
    for _ in range(2):
        used.optimizer.step() if hasattr(used, "optimizer") else None
        used.step(0.5) if name == "ReduceLROnPlateau" else used.step()

    _check_alike(used.state_dict(), new.state_dict(), "it")


@pytest.mark.parametrize("count", [0, 7, 10**12])
def test_counts_up_to_a_million_million_are_accepted(count: int) -> None:
    _check_counts({"total": {"ready": count}}, {"total": {"ready": 0}}, "steps")


@pytest.mark.parametrize("count", [-1, 10**12 + 1, 1.0, True, None, [1]])
def test_what_counts_nothing_is_named(count: object) -> None:
    with pytest.raises(
        ValueError, match=r"^steps\.total\.ready is .*, expected 0 to 1000000000000$"
    ):
        _check_counts({"total": {"ready": count}}, {"total": {"ready": 0}}, "steps")
