"""Nothing in a training step makes the host wait for the device."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar

import pytest
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from callbacks.nan_guard import FiniteLoss
from callbacks.timing.timing import Timing
from data_modules.brats import BraTSDataModule
from lightning_app.losses import DiceCrossEntropy
from lightning_app.task import SegmentationTask
from models import AttentionUNetASPP

# To read a number (item, bool, float), to send one (torch.tensor), and to find out a size.
WAITING = {
    torch.ops.aten._local_scalar_dense.default,
    torch.ops.aten.lift_fresh.default,
    torch.ops.aten.nonzero.default,
    torch.ops.aten.masked_select.default,
}
Result = TypeVar("Result")


class NoWaiting(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __torch_dispatch__(
        self,
        func: Callable[..., Result],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Result:
        assert func not in WAITING, func
        return func(*args, **(kwargs or {}))


class Watched(Callback):
    """Comes first and, at a batch's beginning, puts the watch on; ``Unwatched`` takes it off."""

    def __init__(self) -> None:
        self.mode = NoWaiting()  # type: ignore[no-untyped-call]
        self.steps = 0

    def on_train_batch_start(self, *_: object) -> None:
        self.mode.__enter__()  # type: ignore[no-untyped-call]


class Unwatched(Callback):
    def __init__(self, watched: Watched) -> None:
        self.watched = watched

    def on_train_batch_end(self, *_: object) -> None:
        self.watched.mode.__exit__(None, None, None)  # type: ignore[no-untyped-call]
        self.watched.steps += 1

    def on_exception(self, *_: object) -> None:
        self.watched.mode.__exit__(None, None, None)  # type: ignore[no-untyped-call]


class Task(SegmentationTask):
    def configure_optimizers(self) -> torch.optim.Optimizer:
        # On a CPU torch's other kinds read the step, which then lies there on every device.
        return torch.optim.Adam(self.parameters(), fused=True)


@pytest.fixture
def task() -> Task:
    return Task(AttentionUNetASPP(widths=[4, 4, 4, 4, 8]), DiceCrossEntropy())


def fit(
    task: LightningModule,
    toy_root: Path,
    folder: Path,
    callbacks: list[Callback],
    accelerator: str,
    precision: Literal["32-true", "bf16-mixed"] = "32-true",
) -> None:
    data = BraTSDataModule(
        toy_root, image_size=(32, 32), batch_size=4, cache_dir=folder / "cache", on_device=True,
        flip=True,
    )  # fmt: skip
    trainer = Trainer(
        default_root_dir=folder, callbacks=callbacks, max_epochs=2, limit_val_batches=0,
        logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, use_distributed_sampler=False,
        accelerator=accelerator, devices=1, precision=precision,
    )  # fmt: skip
    trainer.fit(task, data)


def test_a_training_step_reads_and_sends_no_number(
    task: Task, toy_root: Path, tmp_path: Path
) -> None:
    watched = Watched()
    callbacks = [watched, FiniteLoss(), Timing(), Unwatched(watched)]
    fit(task, toy_root, tmp_path, callbacks, accelerator="cpu")

    assert watched.steps == 2 * 3


def test_the_watch_sees_what_waits() -> None:
    value: Tensor = torch.tensor([0.0, 1.0])
    waiting: list[Callable[[], object]] = [
        lambda: bool(value.any()),
        lambda: float(value[0]),
        lambda: torch.tensor(1.0),
        value.nonzero,
    ]
    for wait in waiting:
        with pytest.raises(AssertionError), NoWaiting():  # type: ignore[no-untyped-call]
            wait()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_training_step_on_a_gpu_does_not_wait(task: Task, toy_root: Path, tmp_path: Path) -> None:
    class Strict(Callback):
        """From the first step to the end of the second, the reading between them included."""

        def on_train_batch_start(self, *arguments: object) -> None:
            if arguments[-1] == 0:
                torch.cuda.set_sync_debug_mode("error")

        def on_train_batch_end(self, *arguments: object) -> None:
            if arguments[-1] == 1:
                torch.cuda.set_sync_debug_mode("default")

    callbacks = [FiniteLoss(), Timing(), Strict()]
    try:
        fit(task, toy_root, tmp_path, callbacks, accelerator="gpu", precision="bf16-mixed")
    finally:
        torch.cuda.set_sync_debug_mode("default")
