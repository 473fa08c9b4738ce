"""How often a schedule is stepped, and schedules that cannot be."""

import pytest

from lightning_app.utils.errors import UsageError
from tests.helpers.resolved import resolved

ONE_CYCLE = [
    "--lr_scheduler=torch.optim.lr_scheduler.OneCycleLR",
    "--lr_scheduler.max_lr=0.01",
    "--lr_scheduler.total_steps=24",
]
CYCLIC = [
    "--lr_scheduler=torch.optim.lr_scheduler.CyclicLR",
    "--lr_scheduler.base_lr=0.001",
    "--lr_scheduler.max_lr=0.01",
]
STEP = ["--lr_scheduler=torch.optim.lr_scheduler.StepLR", "--lr_scheduler.step_size=2"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "epoch"),
        (["--lr_scheduler=null"], "epoch"),
        (STEP, "epoch"),
        ([*STEP, "--model.lr_interval=step"], "step"),
        (ONE_CYCLE, "step"),
        (CYCLIC, "step"),
        ([*ONE_CYCLE, "--model.lr_interval=epoch"], "epoch"),
    ],
)
def test_schedules_made_for_steps_are_stepped_by_step_unless_told_otherwise(
    arguments: list[str], expected: str
) -> None:
    assert resolved(*arguments)["model"]["lr_interval"] == expected


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--lr_scheduler=torch.optim.lr_scheduler.ReduceLROnPlateau"],
         r"use lightning\.pytorch\.cli\.ReduceLROnPlateau with monitor"),
        (["--lr_scheduler=lightning.pytorch.cli.ReduceLROnPlateau",
          "--lr_scheduler.monitor=val/dice", "--model.lr_interval=step"], "expected epoch"),
    ],
)  # fmt: skip
def test_a_schedule_that_cannot_be_stepped_is_refused(arguments: list[str], what: str) -> None:
    with pytest.raises(UsageError, match=what):
        resolved(*arguments)
