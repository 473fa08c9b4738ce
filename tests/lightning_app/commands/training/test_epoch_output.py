"""What a training prints for each epoch, with and without a progress bar."""

from pathlib import Path

import pytest
import yaml

from lightning_app.runs.folder import find_runs
from tests.conftest import Program

TWO_EPOCHS = ("--trainer.max_epochs", "2")


def epochs_in(output: str) -> list[str]:
    """The first cells of the lines after the heading."""
    lines = output.splitlines()
    heading = next(i for i, line in enumerate(lines) if line.split()[:2] == ["epoch", "train/loss"])
    return [line.split()[0] for line in lines[heading + 1 :] if "/" in line.split()[0]]


@pytest.mark.parametrize("shown", ["true", "false"])
def test_a_log_file_gets_a_line_for_each_epoch_and_no_bar(
    shown: str, program: Program, capfd: pytest.CaptureFixture[str]
) -> None:
    assert program("fit", *TWO_EPOCHS, "--trainer.enable_progress_bar", shown) == 0

    printed = capfd.readouterr()
    assert epochs_in(printed.out) == ["1/2", "2/2"]
    assert "━" not in printed.out + printed.err
    (run,) = find_runs(Path("runs"))
    assert (run.path / "training.png").is_file()


def test_the_best_epoch_is_marked_and_named(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("fit", *TWO_EPOCHS) == 0

    lines = capsys.readouterr().out.splitlines()
    *_, marked = (line for line in lines if line.split()[4:5] == ["best"])
    number, _, _, dice, *_ = marked.split()
    assert f"Best epoch: {number[0]} of 2, val/dice {dice}" in lines


def test_a_resumed_training_goes_on_counting(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("fit") == 0
    (run,) = find_runs(Path("runs"))
    capsys.readouterr()
    assert program("fit", "--resume", str(run.path), *TWO_EPOCHS) == 0

    assert epochs_in(capsys.readouterr().out) == ["2/2"]


@pytest.mark.parametrize("name", ["TQDMProgressBar", "RichProgressBar"])
def test_a_progress_bar_that_a_config_names_replaces_ours(name: str, program: Program) -> None:
    bar = {"class_path": f"lightning.pytorch.callbacks.{name}"}
    trainer = {"callbacks": [bar], "enable_progress_bar": True}
    Path("bar.yaml").write_text(yaml.safe_dump({"trainer": trainer}), "utf-8")

    assert program("fit", "--config", "bar.yaml") == 0


def test_a_slow_training_names_the_config_that_takes_minutes_unless_it_is_in_use(
    program: Program, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callbacks.progress.slow_training.MEASURED_S", 0.0)
    monkeypatch.setattr("callbacks.progress.slow_training.LONG_S", 0.0)
    hint = "--config quick.yaml trains a narrow network in minutes"
    assert program("fit", *TWO_EPOCHS) == 0
    assert capsys.readouterr().err.count(hint) == 1

    narrow = ["--model.network.init_args.widths", "[2,2,2,2,2]"]
    assert program("fit", "--config", "quick.yaml", *TWO_EPOCHS, *narrow) == 0
    assert hint not in capsys.readouterr().err
