"""A training that is no longer finite stops, and no checkpoint of it is saved."""

from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import Tensor

from callbacks.nan_guard import FiniteLoss, NonFiniteLossError


class Toy(LightningModule):
    """The loss is always finite; a gradient, weight or buffer may not be.

    Args:
        root: the weight whose square root is the loss. At 0 the gradient is infinite.
        buffer: a value that is saved and not trained.
    """

    def __init__(self, root: float = 1.0, buffer: float = 0.0) -> None:
        super().__init__()
        self.root = torch.nn.Parameter(torch.tensor([1.0, root]))
        self.register_buffer("mean", torch.tensor([0.0, buffer]))
        self.register_buffer("seen", torch.tensor(3))  # whole numbers cannot be NaN

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        return self.root.sqrt().sum()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


class BadBatch(Toy):
    """The loss of one batch is NaN, without an effect on the weights."""

    def __init__(self, bad: int, value: float) -> None:
        super().__init__()
        self.bad, self.value = bad, value
        self.steps = 0

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        self.steps += 1
        loss = self.root.sum()
        return loss + (self.value if self.steps - 1 == self.bad else 0)


def train(task: Toy, folder: Path, batches: int = 1, look_every: int = 50) -> list[str]:
    """Train for two epochs; the names of the checkpoints, one after each epoch."""
    samples: Any = [torch.zeros(1)] * batches
    saving = ModelCheckpoint(folder, filename="{epoch}", monitor=None, save_top_k=-1)
    trainer = Trainer(
        default_root_dir=folder, callbacks=[FiniteLoss(look_every), saving], max_epochs=2,
        logger=False, enable_progress_bar=False, enable_model_summary=False, accelerator="cpu",
    )  # fmt: skip
    trainer.fit(task, torch.utils.data.DataLoader(samples))
    return saved(folder)


def saved(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_finite_training_is_saved(tmp_path: Path) -> None:
    assert train(Toy(), tmp_path) == ["epoch=0.ckpt", "epoch=1.ckpt"]


@pytest.mark.parametrize(
    "task",
    [Toy(root=0.0), Toy(buffer=float("nan")), Toy(buffer=float("-inf"))],
    ids=["infinite gradient", "NaN buffer", "infinite buffer"],
)
def test_a_weight_that_is_not_finite_is_not_saved_although_the_loss_is(
    task: Toy, tmp_path: Path
) -> None:
    with pytest.raises(
        NonFiniteLossError, match=r"a weight is no longer finite \(step 1, epoch 1\)"
    ):
        train(task, tmp_path)
    assert saved(tmp_path) == []


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize(
    ("bad", "batch", "epoch", "before"), [(1, 1, 1, []), (5, 2, 2, ["epoch=0.ckpt"])]
)
def test_the_first_bad_loss_is_named_and_no_later_epoch_is_saved(
    bad: int, batch: int, epoch: int, before: list[str], value: float, tmp_path: Path
) -> None:
    words = rf"the loss of batch {batch} is no longer finite \(step {bad + 1}, epoch {epoch}\)"
    with pytest.raises(NonFiniteLossError, match=words):
        train(BadBatch(bad, value), tmp_path, batches=3)
    assert saved(tmp_path) == before


@pytest.mark.parametrize(("look_every", "steps"), [(1, 2), (2, 2), (3, 3), (50, 10)])
def test_the_result_is_read_after_so_many_batches_and_after_an_epoch(
    look_every: int, steps: int, tmp_path: Path
) -> None:
    task = BadBatch(1, float("nan"))
    with pytest.raises(NonFiniteLossError):
        train(task, tmp_path, batches=10, look_every=look_every)
    assert task.steps == steps


def test_a_number_of_batches_is_required() -> None:
    with pytest.raises(ValueError, match="look_every is 0"):
        FiniteLoss(look_every=0)
