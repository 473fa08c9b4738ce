"""How often a schedule is stepped, and schedules that cannot be."""

from pathlib import Path

import pytest
import torch
import yaml

from lightning_app.runs.folder import find_runs
from lightning_app.utils.errors import UsageError
from tests.conftest import Program
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


def test_the_saved_config_holds_how_often_the_schedule_is_stepped(program: Program) -> None:
    assert program("fit", *CYCLIC) == 0
    (run,) = find_runs(Path("runs"))
    assert yaml.safe_load(run.config.read_text("utf-8"))["model"]["lr_interval"] == "step"
    (schedule,) = torch.load(run.last, weights_only=True)["lr_schedulers"]
    assert schedule["last_epoch"] == 3  # batches


def test_a_run_of_a_version_that_stepped_by_epoch_is_resumed_so(program: Program) -> None:
    assert program("fit", *CYCLIC, "--model.lr_interval=epoch") == 0
    (run,) = find_runs(Path("runs"))
    saved = yaml.safe_load(run.config.read_text("utf-8"))
    del saved["model"]["lr_interval"]
    run.config.write_text(yaml.safe_dump(saved), "utf-8")

    assert program("fit", "--resume", str(run.path), "--trainer.max_epochs", "2") == 0
    (schedule,) = torch.load(run.last, weights_only=True)["lr_schedulers"]
    assert schedule["last_epoch"] == 2


def test_a_plateau_waits_for_the_next_validation(program: Program) -> None:
    plateau = ["--lr_scheduler=lightning.pytorch.cli.ReduceLROnPlateau"]
    rare = ["--trainer.check_val_every_n_epoch=2", "--trainer.max_epochs=3"]
    assert program("fit", *plateau, "--lr_scheduler.monitor=val/dice", *rare) == 0
    (run,) = find_runs(Path("runs"))
    (schedule,) = torch.load(run.last, weights_only=True)["lr_schedulers"]
    assert schedule["last_epoch"] == 1  # of one validation


@pytest.mark.parametrize(
    "flags",
    [
        ["--best_checkpoint.monitor=val/dicee"],
        ["--lr_scheduler=lightning.pytorch.cli.ReduceLROnPlateau",
         "--lr_scheduler.monitor=val/dicee"],
        ["--trainer.callbacks+=EarlyStopping", "--trainer.callbacks.monitor=val/dicee"],
    ],
)  # fmt: skip
def test_a_score_that_nothing_logs_is_one_line_with_those_that_are(
    flags: list[str], program: Program, capfd: pytest.CaptureFixture[str]
) -> None:
    assert program("fit", *flags) == 2
    (line,) = (line for line in capfd.readouterr().err.splitlines() if line.startswith("error: "))
    assert "val/dicee" in line
    assert "val/dice_case" in line
