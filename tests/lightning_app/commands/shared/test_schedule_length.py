"""The length of a schedule against that of the training: 12 slices, 3 batches an epoch."""

from pathlib import Path

import pytest
import torch

from callbacks.checkpoints import LastCheckpoint
from lightning_app.runs.folder import find_runs
from tests.conftest import Program
from tests.lightning_app.commands.training.test_experiments import only_run, rows

TORCH = "--lr_scheduler=torch.optim.lr_scheduler"


def one_cycle(steps: int) -> list[str]:
    arguments = ["--lr_scheduler.max_lr=0.01", f"--lr_scheduler.total_steps={steps}"]
    return [f"{TORCH}.OneCycleLR", *arguments, "--trainer.max_epochs=2"]


def cosine(epochs: int) -> list[str]:
    return [f"{TORCH}.CosineAnnealingLR", f"--lr_scheduler.T_max={epochs}"]


def test_a_cycle_of_as_many_steps_as_the_training_is_taken_whole(
    program: Program, capfd: pytest.CaptureFixture[str]
) -> None:
    assert program("fit", *one_cycle(6)) == 0
    assert "warning" not in capfd.readouterr().err
    (schedule,) = torch.load(only_run().last, weights_only=True)["lr_schedulers"]
    assert schedule["last_epoch"] == 6


@pytest.mark.parametrize(
    ("flags", "what"),
    [
        (one_cycle(5), "the total_steps of OneCycleLR is 5, but the training has 6 steps"),
        ([*one_cycle(2), "--trainer.max_epochs=-1", "--trainer.max_steps=4"], "has 4 steps"),
        ([*one_cycle(1), "--model.lr_interval=epoch"], "has 2 epochs"),
        ([*one_cycle(1), "--trainer.accumulate_grad_batches=2"], "has 4 steps"),
        # Not 1: Trainer's types decide by the order of imports whether that is an int or a float.
        ([*one_cycle(1), "--trainer.limit_train_batches=2"], "has 4 steps"),
    ],
)
def test_a_cycle_that_ends_before_the_training_is_refused_before_a_run_is_made(
    flags: list[str], what: str, program: Program, capfd: pytest.CaptureFixture[str]
) -> None:
    assert program("fit", *flags) == 2
    error = capfd.readouterr().err.splitlines()[-1]
    assert error.startswith("error: the total_steps of OneCycleLR is ")
    assert what in error
    assert not find_runs(Path("runs"))


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (one_cycle(7), "the total_steps of OneCycleLR is 7, but the training has 6 steps"),
        (cosine(3), "the T_max of CosineAnnealingLR is 3, but the training has 1 epochs"),
        ([*cosine(2), "--trainer.max_epochs=2"], ""),
        ([*cosine(3), "--model.lr_interval=step"], ""),
    ],
)
def test_another_length_is_a_warning(
    flags: list[str], words: str, program: Program, capfd: pytest.CaptureFixture[str]
) -> None:
    assert program("fit", *flags) == 0
    error = capfd.readouterr().err
    assert words in error
    assert ("warning" in error) is bool(words)


def test_a_run_resumed_within_a_cycle_equals_an_uninterrupted_one(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert program("fit", *one_cycle(6)) == 0
    whole = only_run()
    save = LastCheckpoint.save

    def save_and_stop(self: LastCheckpoint, trainer: object) -> None:
        save(self, trainer)  # type: ignore[arg-type]
        if trainer.global_step == 2:  # type: ignore[attr-defined]
            raise KeyboardInterrupt

    with monkeypatch.context() as interrupted:
        interrupted.setattr(LastCheckpoint, "save", save_and_stop)
        program("fit", *one_cycle(6), "--last_checkpoint.every_n_minutes=0")
    resumed = next(run for run in find_runs(Path("runs")) if run.path != whole.path)
    assert torch.load(resumed.last, weights_only=True)["global_step"] == 2
    assert program("fit", "--resume", str(resumed.path)) == 0

    assert rows(resumed.metrics) == rows(whole.metrics)
    one, two = (torch.load(run.last, weights_only=True) for run in (whole, resumed))
    assert one["lr_schedulers"] == two["lr_schedulers"]
    weights = two["state_dict"]
    assert all(tensor.equal(weights[name]) for name, tensor in one["state_dict"].items())
