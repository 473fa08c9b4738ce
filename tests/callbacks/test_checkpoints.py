import csv
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor
from torch.utils.data import DataLoader

from callbacks.checkpoints import BestCheckpoint, LastCheckpoint
from callbacks.metrics_csv import MetricsCSV


class Scripted(LightningModule):
    """A module with given validation scores, one per epoch."""

    def __init__(self, scores: list[float]) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)
        self.scores = scores

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        loss: Tensor = self.layer(batch).sum()
        self.log("train/loss", float(batch_idx), on_epoch=True, on_step=False, batch_size=1)
        return loss

    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        self.log("val/dice", self.scores[self.current_epoch], batch_size=1)

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.SGD(self.parameters(), lr=0.1)
        return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)]

    def train_dataloader(self) -> DataLoader[Tensor]:
        dataset: Any = torch.ones(2, 1)
        return DataLoader(dataset, num_workers=0)

    val_dataloader = train_dataloader


def fit(folder: Path, scores: list[float]) -> Path:
    trainer = Trainer(
        max_epochs=len(scores), default_root_dir=folder, accelerator="cpu", logger=False,
        callbacks=[BestCheckpoint(), LastCheckpoint(), MetricsCSV()], num_sanity_val_steps=0,
        enable_progress_bar=False, enable_model_summary=False, log_every_n_steps=1,
    )  # fmt: skip
    trainer.fit(Scripted(scores))
    return folder / "checkpoints"


def epoch_of(path: Path) -> int:
    return int(torch.load(path, weights_only=True)["epoch"])


pytestmark = pytest.mark.filterwarnings("ignore:.*does not have many workers")


@pytest.mark.parametrize(
    ("scores", "best"),
    [
        ([0.5], 0),
        ([0.5, 0.4, 0.3, 0.2], 0),
        ([0.1, 0.6, 0.3], 1),
        ([0.1, float("nan"), 0.3, float("nan")], 2),
        ([float("nan"), 0.2, 0.1], 1),
    ],
)
def test_best_and_last_hold_the_best_and_the_last_epoch(
    scores: list[float], best: int, tmp_path: Path
) -> None:
    folder = fit(tmp_path, scores)

    assert sorted(path.name for path in folder.iterdir()) == ["best.ckpt", "last.ckpt"]
    assert epoch_of(folder / "best.ckpt") == best
    assert epoch_of(folder / "last.ckpt") == len(scores) - 1


def test_a_second_training_in_the_same_folder_replaces_both_files(tmp_path: Path) -> None:
    fit(tmp_path, [0.5, 0.6])
    with pytest.warns(UserWarning, match="exists and is not empty"):
        folder = fit(tmp_path, [0.3])

    assert sorted(path.name for path in folder.iterdir()) == ["best.ckpt", "last.ckpt"]
    assert epoch_of(folder / "best.ckpt") == 0


def test_metrics_csv_has_one_row_per_epoch_and_no_nan(tmp_path: Path) -> None:
    fit(tmp_path, [0.5, float("nan"), 0.7])

    lines = (tmp_path / "metrics.csv").read_text("utf-8").splitlines()
    assert lines[0] == "epoch,step,lr,train/loss,val/dice"
    rows = [line.split(",") for line in lines[1:]]
    assert [row[:3] for row in rows] == [["0", "2", "0.1"], ["1", "4", "0.05"], ["2", "6", "0.025"]]
    assert [row[3] for row in rows] == ["0.5"] * 3
    assert [row[4] for row in rows[:2]] == ["0.5", ""]
    assert float(rows[2][4]) == pytest.approx(0.7)


def test_a_training_that_starts_again_removes_the_earlier_rows(tmp_path: Path) -> None:
    fit(tmp_path, [0.5, 0.7])
    with pytest.warns(UserWarning, match="exists and is not empty"):
        fit(tmp_path, [0.25])

    with (tmp_path / "metrics.csv").open(newline="", encoding="utf-8") as file:
        assert [row["val/dice"] for row in csv.DictReader(file)] == ["0.25"]


@pytest.mark.parametrize("sanity_steps", [0, 1])
def test_metrics_csv_does_not_repeat_scores_of_an_earlier_epoch_or_of_the_sanity_check(
    sanity_steps: int, tmp_path: Path
) -> None:
    trainer = Trainer(
        max_epochs=3, check_val_every_n_epoch=2, default_root_dir=tmp_path, accelerator="cpu",
        logger=False, callbacks=[MetricsCSV()], log_every_n_steps=1,
        num_sanity_val_steps=sanity_steps,
        enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False,
    )  # fmt: skip
    trainer.fit(Scripted([0.5, 0.25, 0.75]))

    with (tmp_path / "metrics.csv").open(newline="", encoding="utf-8") as file:
        assert [row["val/dice"] for row in csv.DictReader(file)] == ["", "0.25", ""]
