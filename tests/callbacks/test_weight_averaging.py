from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import Tensor, nn
from torch.utils.data import DataLoader

from callbacks.weight_averaging import WarmedUpAverage


class _Counts(LightningModule):
    """A weight that is the number of the step, and a buffer that is its square."""

    squared: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))
        self.register_buffer("squared", torch.zeros(()))
        self.validated: list[float] = []

    def training_step(self, batch: Tensor, _: int) -> Tensor:
        self.squared.copy_((self.weight.detach() - 1) ** 2)
        return self.weight * batch.mean()

    def validation_step(self, _batch: Tensor, _: int) -> None:
        self.validated.append(float(self.weight.detach()))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=1.0)  # gradient -1: one more in each step


def train(folder: Path, epochs: int, resume: Path | None = None, decay: float = 0.9) -> _Counts:
    module, data = _Counts(), torch.full((10, 1), -1.0)
    loader: Any = DataLoader(data, batch_size=1)  # type: ignore[arg-type]
    trainer = Trainer(
        default_root_dir=folder, accelerator="cpu", max_epochs=epochs, logger=False,
        enable_progress_bar=False, enable_model_summary=False,
        callbacks=[WarmedUpAverage(decay), ModelCheckpoint(folder, save_top_k=-1)],
    )  # fmt: skip
    trainer.fit(module, loader, loader, ckpt_path=resume, weights_only=True)
    return module


def expected(steps: int, decay: float) -> float:
    """The average of 1, 2, ..., by the formula of TensorFlow's documentation."""
    average = 1.0
    for updates in range(1, steps):
        rate = min(decay, (1 + updates) / (10 + updates))
        average = rate * average + (1 - rate) * (updates + 1)
    return average


def test_the_average_follows_the_last_tenth_of_a_short_training(tmp_path: Path) -> None:
    module = train(tmp_path, epochs=2, decay=0.99)

    assert module.validated[-1] == pytest.approx(expected(20, 0.99))
    assert 16 < module.validated[-1] < 20  # with a fixed decay of 0.99 it is 2.7


def test_the_decay_ends_at_the_one_that_was_given(tmp_path: Path) -> None:
    module = train(tmp_path, epochs=6, decay=0.5)

    assert module.validated[-1] == pytest.approx(expected(60, 0.5))
    assert module.validated[-1] == pytest.approx(59, abs=1e-3)  # 60 - 0.5 / (1 - 0.5)


@pytest.mark.filterwarnings("ignore:The dirpath has changed")
def test_a_resumed_training_ends_with_the_same_average(tmp_path: Path) -> None:
    at_once = train(tmp_path / "at_once", epochs=3)
    checkpoint = tmp_path / "at_once" / "epoch=0-step=10.ckpt"

    resumed = train(tmp_path / "resumed", epochs=3, resume=checkpoint)

    assert resumed.validated[-1] == at_once.validated[-1]


def test_buffers_are_averaged_too(tmp_path: Path) -> None:
    module = train(tmp_path, epochs=1)

    assert 0 < float(module.squared) < 81


@pytest.mark.parametrize("decay", [-0.1, 1.0])
def test_a_decay_that_averages_nothing_is_refused(decay: float) -> None:
    with pytest.raises(ValueError, match=f"decay is {decay}, expected at least 0"):
        WarmedUpAverage(decay)
