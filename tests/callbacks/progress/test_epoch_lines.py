"""The line that is printed for each epoch."""

from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Timer
from torch import Tensor
from torch.utils.data import DataLoader

from callbacks.checkpoints import BestCheckpoint
from callbacks.progress.epoch_lines import EpochLines

BATCHES = 2
DICE = (0.25, 0.75, 0.5)  # of the three epochs


class Task(LightningModule):
    """A batch of training takes a second, a validation two, by its own clock."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.now = 100.0

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        self.now += 1
        self.log("train/loss", 1.0 / (1 + self.current_epoch), on_step=False, on_epoch=True)
        loss: Tensor = (self.weight * batch).sum()
        return loss

    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        self.now += 2
        self.log("val/loss", 2.0 + self.current_epoch)
        self.log("val/dice", DICE[min(self.current_epoch, 2)])
        self.log("val/else", 0.0)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def train(
    folder: Path, *, resume: Path | None = None, monitor: str = "val/dice", **more: Any
) -> None:
    task = Task()
    best = BestCheckpoint(monitor)
    best.dirpath = str(folder / f"epochs-to-{more.get('max_epochs', 3)}")
    options: dict[str, Any] = {"max_epochs": 3, "num_sanity_val_steps": 0} | more
    trainer = Trainer(
        default_root_dir=folder, accelerator="cpu", logger=False, enable_progress_bar=False,
        enable_model_summary=False, callbacks=[EpochLines(best, lambda: task.now), best], **options,
    )  # fmt: skip
    samples: Any = [torch.zeros(1)] * BATCHES
    checkpoint = None if resume is None else str(resume)
    trainer.fit(task, DataLoader(samples), DataLoader(samples[:1]), ckpt_path=checkpoint)
    trainer.save_checkpoint(folder / "last.ckpt")


def test_a_line_shows_scores_the_best_so_far_and_times(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(tmp_path)

    assert capsys.readouterr().out.splitlines() == [
        "epoch  train/loss  val/loss  val/dice         seconds      left",
        "  1/3      1.0000    2.0000    0.2500  best       4.0   0:00:08",
        "  2/3      0.5000    3.0000    0.7500  best       4.0   0:00:04",
        "  3/3      0.3333    4.0000    0.5000             4.0   0:00:00",
    ]


def test_the_lines_of_a_long_training_fit_into_80_columns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(tmp_path, max_epochs=10_000, max_steps=BATCHES)

    lines = capsys.readouterr().out.splitlines()
    assert {len(line) for line in lines} == {len(lines[0])}
    assert len(lines[0]) < 80


def test_an_epoch_without_validation_has_no_validation_scores(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(tmp_path, check_val_every_n_epoch=2)

    _, *lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [
        ["1/3", "1.0000", "-", "-", "2.0", "0:00:04"],
        ["2/3", "0.5000", "3.0000", "0.7500", "best", "4.0", "0:00:03"],
        ["3/3", "0.3333", "-", "-", "2.0", "0:00:00"],
    ]


def test_a_resumed_training_goes_on_counting_and_remembers_its_best(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(tmp_path, max_epochs=2)
    capsys.readouterr()
    train(tmp_path, resume=tmp_path / "last.ckpt")

    _, *lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [
        ["3/3", "0.3333", "4.0000", "0.5000", "4.0", "0:00:00"]
    ]


def test_a_monitored_score_has_a_column(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train(tmp_path, monitor="val/else", max_epochs=1)
    assert capsys.readouterr().out.split("\n")[0].split()[1:5] == [
        "train/loss", "val/loss", "val/dice", "val/else",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("limits", "left"),
    [
        ({"max_epochs": -1, "max_steps": 6}, ["0:00:08", "0:00:04", "0:00:00"]),
        ({"max_epochs": 3, "max_steps": 4}, ["0:00:04", "0:00:00"]),
        ({"max_epochs": -1, "max_steps": 4, "accumulate_grad_batches": 2}, ["0:00:12"]),
    ],
)
def test_the_time_left_is_that_of_the_nearest_limit(
    limits: dict[str, Any], left: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(tmp_path, **limits)

    _, *lines = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in lines][: len(left)] == left


def test_a_limit_of_the_time_bounds_the_time_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Timer, "time_remaining", lambda _: 3.2)
    train(tmp_path, max_time={"hours": 1})

    _, first, *_ = capsys.readouterr().out.splitlines()
    assert first.split()[-1] == "0:00:03"


def test_other_ranks_print_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Trainer, "is_global_zero", property(lambda _: False))
    train(tmp_path)

    assert capsys.readouterr().out == ""
