"""The progress bar: what a terminal shows while it is drawn, and after it."""

import io
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor
from torch.utils.data import DataLoader

from callbacks.progress.bar import TransientProgressBar

_CONTROL = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    def lines(self) -> list[str]:
        """What the screen shows of all that was written."""
        screen, row, text = [""], 0, self.getvalue()
        while text:
            if control := _CONTROL.match(text):
                number, command = control.groups()
                if command == "A":
                    row -= int(number or 1)
                elif command == "K":
                    screen[row] = ""
                text = text[control.end() :]
                continue
            character, text = text[0], text[1:]
            if character == "\n":
                row += 1
                screen += [""] * (row + 1 - len(screen))
            elif character == "\r":
                pass  # what follows replaces the line only if it was erased
            else:
                screen[row] += character
        return screen


class Task(LightningModule):
    def __init__(self, terminal: io.StringIO, *, fails: bool = False) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.terminal = terminal
        self.fails = fails
        self.shown: list[str] = []

    def forward(self, batch: Tensor) -> Tensor:
        """Look at the screen in the middle of a step."""
        bar: Any = self.trainer.progress_bar_callback
        if bar._progress is not None:
            bar._progress.refresh()
        if isinstance(self.terminal, Terminal):
            self.shown.append(self.terminal.lines()[-1])
        loss: Tensor = (self.weight * batch).sum()
        return loss

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        if self.current_epoch == 1 and batch_idx == 1:
            if self.fails:
                raise RuntimeError("no luck")
            print("a message on standard output")
            print("a message on standard error", file=sys.stderr)
        return self(batch)  # type: ignore[no-any-return]

    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        self(batch)

    test_step = predict_step = validation_step

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


@pytest.fixture(autouse=True)
def size_and_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")


@contextmanager
def output_to(stream: io.StringIO) -> Iterator[None]:
    """Print to a stream, and check that it is not replaced for longer than the bar is drawn."""
    with redirect_stdout(stream), redirect_stderr(stream):
        yield
        assert sys.stdout is stream
        assert sys.stderr is stream


def trainer_in(folder: Path) -> Trainer:
    return Trainer(
        default_root_dir=folder, accelerator="cpu", max_epochs=12, max_steps=6, logger=False,
        enable_checkpointing=False, enable_model_summary=False, num_sanity_val_steps=0,
        callbacks=[TransientProgressBar()],
    )  # fmt: skip


def batches(number: int) -> DataLoader[Any]:
    samples: Any = [torch.zeros(1)] * number
    return DataLoader(samples)


def test_the_bar_counts_epochs_from_1_and_leaves_only_what_was_printed(tmp_path: Path) -> None:
    terminal = Terminal()
    task = Task(terminal)
    with output_to(terminal):
        trainer_in(tmp_path).fit(task, batches(3), batches(2))

    printed = ["a message on standard output", "a message on standard error"]
    assert list(filter(None, terminal.lines())) == printed
    first, *_, last = (line for line in task.shown if line.startswith("Epoch"))
    assert re.match(r"Epoch 1/12 .* 0/3 ", first)
    assert re.match(r"Epoch 2/12 .* 2/3 ", last)
    assert any(re.match(r"Validation .* 1/2 ", line) for line in task.shown)
    assert max(map(len, task.shown)) < 80


def test_a_rate_appears_only_when_it_is_known(tmp_path: Path) -> None:
    terminal = Terminal()
    task = Task(terminal)
    with output_to(terminal):
        trainer_in(tmp_path).test(task, batches(3), verbose=False)

    assert re.match(r"Testing .* 0/3 ", task.shown[0])
    assert "batches/s" not in task.shown[0]
    assert re.search(r" [1-9.e+\d]+ batches/s", task.shown[2])
    assert list(filter(None, terminal.lines())) == []


def test_after_a_failure_nothing_is_left_of_the_bar(tmp_path: Path) -> None:
    terminal = Terminal()
    with output_to(terminal), pytest.raises(RuntimeError, match="no luck"):
        trainer_in(tmp_path).fit(Task(terminal, fails=True), batches(3), batches(2))

    assert list(filter(None, terminal.lines())) == []


def test_a_log_file_gets_no_bar(tmp_path: Path) -> None:
    log = io.StringIO()
    with output_to(log):
        trainer_in(tmp_path).fit(Task(log), batches(3), batches(2))

    assert log.getvalue() == "a message on standard output\na message on standard error\n"


def test_other_ranks_draw_no_bar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Trainer, "is_global_zero", property(lambda _: False))
    terminal = Terminal()
    with output_to(terminal):
        trainer_in(tmp_path).test(Task(terminal), batches(2), verbose=False)

    assert terminal.getvalue() == ""
