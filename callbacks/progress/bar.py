"""A progress bar that leaves nothing behind in the terminal."""

import math
import sys

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import ProgressBar
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from callbacks.utils.trainer import epoch_of_epochs

_BAR_WIDTH = 30  # so that a line fits into 80 columns, with room for the ^C of a terminal


class TransientProgressBar(ProgressBar):
    """Show the batches of an epoch, a validation, a test or a prediction while they are computed.

    The bar is drawn on standard error, and only if that is a terminal and on rank 0. It is removed
    after the last batch. What is printed in the meantime appears above it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._is_enabled = True
        self._progress: Progress | None = None
        self._tasks: dict[str, TaskID] = {}

    def enable(self) -> None:
        """Show bars; Lightning calls this after a search for a learning rate or a batch size."""
        self._is_enabled = True

    def disable(self) -> None:
        """Show no bars; Lightning calls this on all other ranks."""
        self._is_enabled = False

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: object, batch_idx: int
    ) -> None:
        """Show the epoch before its first batch, which may take minutes to compile."""
        self._show(_epoch(trainer), batch_idx, self.total_train_batches)

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: object,
        batch: object,
        batch_idx: int,
    ) -> None:
        """Count the batch."""
        self._show(_epoch(trainer), batch_idx + 1, self.total_train_batches)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Remove the bar of the epoch."""
        self._remove(_epoch(trainer))

    def on_validation_batch_start(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        batch: object,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Show the validation, below the epoch that it is part of."""
        self.has_dataloader_changed(dataloader_idx)  # sets the loader whose batches are counted
        total = self.total_val_batches_current_dataloader
        self._show(self.validation_description, batch_idx, total)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Remove the bar of the validation."""
        self._remove(self.validation_description)

    def on_test_batch_start(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        batch: object,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Show the test."""
        self.has_dataloader_changed(dataloader_idx)
        self._show(self.test_description, batch_idx, self.total_test_batches_current_dataloader)

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Remove the bar of the test, before its masks are scored."""
        self._remove(self.test_description)

    def on_predict_batch_start(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        batch: object,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Show the prediction."""
        self.has_dataloader_changed(dataloader_idx)
        total = self.total_predict_batches_current_dataloader
        self._show(self.predict_description, batch_idx, total)

    def on_predict_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Remove the bar of the prediction."""
        self._remove(self.predict_description)

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Remove all bars."""
        self._stop()

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Remove all bars, so that the error begins on a line of its own."""
        self._stop()

    def _show(self, description: str, completed: int, total: float) -> None:
        """Draw or update the bar with a description."""
        if not self._is_enabled:
            return
        if self._progress is None:
            self._progress = _terminal_progress()
            self._progress.start()
        if description not in self._tasks:
            finite = total if math.isfinite(total) else None
            self._tasks[description] = self._progress.add_task(description, total=finite)
        self._progress.update(self._tasks[description], completed=completed)

    def _remove(self, description: str) -> None:
        """Remove a bar; after the last one, give standard output and error back."""
        if self._progress is None or description not in self._tasks:
            return
        self._progress.remove_task(self._tasks.pop(description))
        if not self._tasks:
            self._stop()

    def _stop(self) -> None:
        if self._progress is not None:
            self._progress.stop()
        self._progress, self._tasks = None, {}


class _RateColumn(ProgressColumn):
    """Batches per second, once they are known."""

    def render(self, task: Task) -> Text:
        rate = task.speed
        return Text(f"{rate:.3g} batches/s" if rate else "", style="progress.data.speed")


def _terminal_progress() -> Progress:
    console = Console(stderr=True, soft_wrap=True)  # paths that are printed stay in one piece
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(_BAR_WIDTH),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        _RateColumn(),
        console=console,
        transient=True,
        redirect_stdout=sys.stdout.isatty(),
        disable=not console.is_interactive,
    )


def _epoch(trainer: Trainer) -> str:
    return f"Epoch {epoch_of_epochs(trainer)}"
