"""The loss of a split does not depend on the batches that it comes in."""

import re

import pytest
import torch
from torch import Tensor, nn

from lightning_app.losses import DiceCrossEntropy
from lightning_app.metrics.split_loss import LossSums, pooled
from tests.conftest import Program

SLICES = 7


def split(exclusive: bool) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(SLICES, 4, 8, 8, generator=generator)
    labels = torch.randint(4, (SLICES, 8, 8), generator=generator)
    labels[:3] = 0  # slices without target, which make soft Dice depend on the batch
    masks = nn.functional.one_hot(labels, 4).movedim(-1, 1).float()
    return (logits, masks) if exclusive else (logits[:, 1:], masks[:, 1:])


def value(loss: nn.Module, exclusive: bool, batch_size: int) -> float:
    metric = LossSums()
    logits, masks = split(exclusive)
    for batch in zip(torch.split(logits, batch_size), torch.split(masks, batch_size), strict=True):
        metric.update(pooled(loss).sums(*batch))
    return float(pooled(loss).of_sums(metric.compute()))


@pytest.mark.parametrize(
    ("loss", "exclusive"),
    [
        (DiceCrossEntropy(), False),
        (DiceCrossEntropy(exclusive=True), True),
        (DiceCrossEntropy(dice_weight=2, cross_entropy_weight=0), False),
        (nn.BCEWithLogitsLoss(), False),
        (nn.CrossEntropyLoss(), True),
    ],
)
@pytest.mark.parametrize("batch_size", [1, 2, 3, SLICES])
def test_the_loss_is_that_of_the_split_as_one_batch(
    loss: nn.Module, exclusive: bool, batch_size: int
) -> None:
    expected = float(loss(*split(exclusive)))

    assert value(loss, exclusive, batch_size) == pytest.approx(expected, rel=1e-6)


def test_a_reset_forgets_the_batches() -> None:
    metric = LossSums()
    metric.update(torch.ones(4))
    metric.reset()
    metric.update(torch.full((2,), 3.0))

    assert metric.compute().tolist() == [3.0, 3.0]


def test_the_batch_size_does_not_change_the_loss_of_a_validation(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("fit", "--data.eval_slices", "all") == 0
    losses = []
    for size in ("1", "4"):
        capsys.readouterr()
        assert program("validate", "--data.batch_size", size) == 0
        losses += re.findall(r"val/loss: (\d\.\d{4})", capsys.readouterr().out)
    assert len(losses) == 2
    assert losses[0] == losses[1]
