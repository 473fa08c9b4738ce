"""Training curves, plotted from metrics.csv."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lightning.pytorch import LightningModule, Trainer
from matplotlib.figure import Figure

from callbacks.training_curves import TrainingPicture, draw_training

COLUMNS = ("epoch", "step", "lr", "train/loss", "val/loss", "val/dice")
ROWS = [
    dict(zip(COLUMNS, row, strict=True))
    for row in (
        ("0", "4", "0.1", "1.5", "1.2", ""),
        ("1", "8", "0.05", "1.0", "", "0.7"),
        ("2", "12", "0.0", "0.5", "0.9", "0.6"),
    )
]


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """All figures that are saved."""
    saved: list[Figure] = []
    save = Figure.savefig

    def record(self: Figure, *arguments: Any, **options: Any) -> None:
        saved.append(self)
        save(self, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", record)
    return saved


def test_curves_show_the_values_in_the_rows(figures: list[Figure], tmp_path: Path) -> None:
    draw_training(tmp_path / "training.png", ROWS, "val/dice")

    losses, scores, rates = figures[0].axes
    training, validation = losses.lines
    assert np.asarray(training.get_ydata()).tolist() == [1.5, 1.0, 0.5]
    assert np.asarray(validation.get_ydata()).tolist()[::2] == [1.2, 0.9]
    assert np.asarray(scores.lines[0].get_ydata()).tolist()[1:] == [0.7, 0.6]
    assert np.asarray(rates.lines[0].get_xdata()).tolist() == [1, 2, 3]
    assert scores.get_title(loc="right") == "highest 0.7000, epoch 2"
    assert (tmp_path / "training.png").read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in tmp_path.iterdir()] == ["training.png"]


def test_a_score_that_was_never_logged_leaves_its_panel_empty(
    figures: list[Figure], tmp_path: Path
) -> None:
    draw_training(tmp_path / "training.png", ROWS[:1], "val/else")

    assert figures[0].axes[1].get_title(loc="right") == ""


@pytest.mark.parametrize("ending", ["on_train_end", "on_exception"])
def test_curves_are_plotted_after_success_and_failure(ending: str, tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text("epoch,step,lr\n0,4,0.1\n", "utf-8")
    trainer = Trainer(accelerator="cpu", logger=False, default_root_dir=tmp_path)
    more = [KeyboardInterrupt()] if ending == "on_exception" else []
    getattr(TrainingPicture(), ending)(trainer, LightningModule(), *more)

    assert (tmp_path / "training.png").is_file()


def test_a_figure_that_cannot_be_written_does_not_stop_a_training(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "metrics.csv").write_text("epoch,step,lr\n0,4,0.1\n", "utf-8")
    (tmp_path / "training.png").mkdir()
    trainer = Trainer(accelerator="cpu", logger=False, default_root_dir=tmp_path)
    TrainingPicture().on_train_end(trainer, LightningModule())

    assert "training.png cannot be written" in caplog.text


def test_a_training_that_fails_before_its_first_epoch_has_no_figure(tmp_path: Path) -> None:
    trainer = Trainer(accelerator="cpu", logger=False, default_root_dir=tmp_path)
    TrainingPicture().on_exception(trainer, LightningModule(), RuntimeError())

    assert list(tmp_path.iterdir()) == []


def test_curves_are_plotted_after_an_epoch_but_not_all_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figures: list[Figure]
) -> None:
    (tmp_path / "metrics.csv").write_text("epoch,step,lr\n0,4,0.1\n", "utf-8")
    trainer = Trainer(accelerator="cpu", logger=False, default_root_dir=tmp_path)
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    picture = TrainingPicture()
    drawn = []
    for seconds in (0.0, 1.0, 59.0, 60.0, 90.0, 180.0):
        now = seconds
        picture.on_train_epoch_end(trainer, LightningModule())
        drawn.append(len(figures))

    assert drawn == [0, 0, 0, 1, 1, 2]


def test_a_figure_that_cannot_be_written_is_reported_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "metrics.csv").write_text("epoch,step,lr\n0,4,0.1\n", "utf-8")
    (tmp_path / "training.png").mkdir()
    trainer = Trainer(accelerator="cpu", logger=False, default_root_dir=tmp_path)
    picture = TrainingPicture()
    picture.on_exception(trainer, LightningModule(), RuntimeError())
    picture.on_train_end(trainer, LightningModule())

    assert caplog.text.count("training.png cannot be written") == 1
