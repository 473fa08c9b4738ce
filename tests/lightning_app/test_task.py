"""The mean loss of an epoch; nothing in a step makes the host wait for the device."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Literal

import pytest
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor, nn

from callbacks.nan_guard import FiniteLoss
from callbacks.timing.timing import Timing
from data_modules.batch_dataset import Batch
from data_modules.brats import BraTSDataModule
from lightning_app.losses import DiceCrossEntropy
from lightning_app.task import SegmentationTask
from models import AttentionUNetASPP
from tests.helpers.no_waiting import NoWaiting


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
    batch_size: int = 4,
) -> Trainer:
    data = BraTSDataModule(
        toy_root, image_size=(32, 32), batch_size=batch_size, cache_dir=folder / "cache",
        on_device=True, flip=True,
    )  # fmt: skip
    trainer = Trainer(
        default_root_dir=folder, callbacks=callbacks, max_epochs=2, limit_val_batches=0,
        logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, use_distributed_sampler=False,
        accelerator=accelerator, devices=1, precision=precision,
    )  # fmt: skip
    trainer.fit(task, data)
    return trainer


def test_a_training_step_reads_and_sends_no_number(
    task: Task, toy_root: Path, tmp_path: Path
) -> None:
    watched = Watched()
    callbacks = [watched, FiniteLoss(), Timing(), Unwatched(watched)]
    fit(task, toy_root, tmp_path, callbacks, accelerator="cpu")

    assert watched.steps == 2 * 3


class KnownLoss(nn.Module):
    """Returns given values, one after the other, and keeps the sizes of the batches."""

    def __init__(self, values: list[float]) -> None:
        super().__init__()
        self.values = iter(values)
        self.sizes: list[int] = []

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        self.sizes.append(len(logits))
        return 0 * logits.mean() + next(self.values)


def test_every_sample_weighs_the_same_in_the_training_loss_of_an_epoch(
    toy_root: Path, tmp_path: Path
) -> None:
    loss = KnownLoss([9.0, 9.0, 1.0, 6.0])
    task = Task(AttentionUNetASPP(widths=[4, 4, 4, 4, 8]), loss)
    trainer = fit(task, toy_root, tmp_path, [], accelerator="cpu", batch_size=5)

    assert loss.sizes == [5, 7] * 2  # a small last batch is joined to the one before
    mean = float(trainer.callback_metrics["train/loss"])  # of the last epoch
    assert mean == pytest.approx((5 * 1 + 7 * 6) / 12)


def batch() -> Batch:
    labels = torch.zeros((3, 32, 32), dtype=torch.uint8)
    return {"image": torch.zeros(3, 1, 32, 32), "labels": labels, "sample": torch.arange(3)}


@pytest.mark.parametrize("target", ["regions", "labels"])
@pytest.mark.parametrize("step", ["validation_step", "test_step"])
@torch.no_grad()
def test_a_step_of_validation_or_test_reads_and_sends_no_number(
    step: str, target: Literal["regions", "labels"]
) -> None:
    exclusive = target == "labels"
    network = AttentionUNetASPP(out_channels=3 + exclusive, widths=[4, 4, 4, 4, 8])
    task = SegmentationTask(network, DiceCrossEntropy(exclusive), target).eval()
    made = batch()
    with NoWaiting():  # type: ignore[no-untyped-call]
        getattr(task, step)(made, 0)


def test_with_averaged_weights_too_a_checkpoint_holds_the_sums_of_all_devices_for_rank_0(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def summed_over_two_devices() -> Iterator[None]:
        task.train_loss.weight += 4
        yield
        task.train_loss.weight -= 4

    monkeypatch.setattr(task.train_loss, "sync_context", summed_over_two_devices)
    monkeypatch.setattr(Task, "trainer", SimpleNamespace(callback_metrics={}))
    task.train_loss.update(torch.tensor(1.0), samples=3)
    # As Lightning's EMAWeightAveraging leaves it: it is called before the task.
    checkpoint = {"state_dict": task.state_dict(), "current_model_state": task.state_dict()}

    task.on_save_checkpoint(checkpoint)
    states = [checkpoint["state_dict"], checkpoint["current_model_state"]]
    assert [float(state["train_loss.weight"]) for state in states] == [7, 7]

    monkeypatch.setattr(Task, "global_rank", 1)
    task.on_load_checkpoint(checkpoint)
    assert [float(state["train_loss.weight"]) for state in states] == [0, 0]


def test_the_weight_of_a_share_sends_no_number(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Task, "trainer", SimpleNamespace(world_size=2))
    monkeypatch.setattr(torch.distributed, "all_reduce", lambda total: total.add_(1))
    with NoWaiting():  # type: ignore[no-untyped-call]
        weight = task._weight_of_share(3)

    assert float(weight) == 2 * 3 / 4  # the other rank has one sample


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
