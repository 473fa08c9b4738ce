"""The word about a training that will take very long on a CPU."""

import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor
from torch.utils.data import DataLoader

from callbacks.progress.slow_training import SlowTraining

BATCHES = 3
ADVICE = "take fewer"


class Task(LightningModule):
    """Its batches take the given seconds, by its own clock."""

    def __init__(self, seconds: list[float]) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.seconds = seconds
        self.now = 0.0

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        self.trainer.should_stop = self.global_step > 6  # long before the last epoch
        self.now += self.seconds[min(self.global_step, len(self.seconds) - 1)]
        loss: Tensor = (self.weight * batch).sum()
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def said(
    folder: Path, caplog: pytest.LogCaptureFixture, seconds: list[float], **options: Any
) -> list[str]:
    """What is said in a training of three batches an epoch."""
    caplog.set_level(logging.INFO, "callbacks.progress.slow_training")
    task = Task(seconds)
    trainer = Trainer(
        default_root_dir=folder, accelerator="cpu", logger=False, enable_progress_bar=False,
        enable_model_summary=False, enable_checkpointing=False,
        callbacks=[SlowTraining(ADVICE, lambda: task.now)], **options,
    )  # fmt: skip
    samples: Any = [torch.zeros(1)] * BATCHES
    trainer.fit(task, DataLoader(samples))
    return [record.message for record in caplog.records if record.name.endswith("slow_training")]


@pytest.mark.parametrize(
    ("seconds", "epochs", "expected"),
    [
        # 2 of 1,500 batches of 100 s are done: 41.6 hours are left, with the first one not measured
        ([500.0, 100.0], 500, [f"On this CPU the training takes about 42 hours: {ADVICE}"]),
        ([100.0], 1500, [f"On this CPU the training takes about 5 days: {ADVICE}"]),
        ([100.0], 30, []),  # 2.5 hours
        ([5000.0, 1.0], 500, []),  # the first batch alone takes long
        # A minute takes longer than an epoch.
        ([20.0], 1000, [f"On this CPU the training takes about 17 hours: {ADVICE}"]),
    ],
)
def test_it_is_said_if_the_batches_so_far_add_up_to_hours(
    seconds: list[float],
    epochs: int,
    expected: list[str],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert said(tmp_path, caplog, seconds, max_epochs=epochs) == expected
