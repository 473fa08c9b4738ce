"""A training of which no first step has a gradient is stopped."""

from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor

from callbacks.gradient_check import GradientCheck, NoGradientError


class Toy(LightningModule):
    """A weight whose gradient is zero in the first batches."""

    def __init__(self, batches: int) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(3))
        self.batches = batches

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        return (0 if self.global_step < self.batches else 1) * self.weight.sum()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def batches(count: int) -> Any:
    samples: Any = [torch.zeros(1)] * count
    return torch.utils.data.DataLoader(samples)


def train(task: Toy, folder: Path, epochs: int = 1) -> Trainer:
    trainer = Trainer(
        default_root_dir=folder, callbacks=[GradientCheck(steps=4)], max_epochs=epochs,
        logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, accelerator="cpu",
    )  # fmt: skip
    trainer.fit(task, batches(6))
    return trainer


def test_it_stops_after_the_first_steps(tmp_path: Path) -> None:
    task = Toy(batches=6)
    with pytest.raises(NoGradientError, match="of the first 4 steps is zero"):
        train(task, tmp_path)


def test_one_gradient_is_enough(tmp_path: Path) -> None:
    assert train(Toy(batches=3), tmp_path).global_step == 6


def test_an_epoch_with_fewer_steps_is_checked_at_its_end(tmp_path: Path) -> None:
    callback = GradientCheck(steps=100)
    trainer = Trainer(
        default_root_dir=tmp_path, callbacks=[callback], max_epochs=3, logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
        accelerator="cpu",
    )  # fmt: skip
    with pytest.raises(NoGradientError, match="of the first 2 steps"):
        trainer.fit(Toy(batches=9), batches(2))


def test_a_number_of_steps_is_required() -> None:
    with pytest.raises(ValueError, match="steps is 0"):
        GradientCheck(steps=0)
