"""A loss of torch that cannot teach the target is refused; a user's loss is warned about."""

import re

import pytest
import torch
from torch import Tensor, nn

from data_modules.targets import TARGETS
from lightning_app.commands.shared.loss_check import check_loss
from lightning_app.losses import DiceCrossEntropy
from lightning_app.utils.errors import UsageError
from tests.conftest import Program

ALL = set(TARGETS)
INDEPENDENT = {name for name in TARGETS if not TARGETS[name].exclusive}


class Focal(nn.Module):
    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        entropy = nn.functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
        return ((1 - torch.exp(-entropy)) ** 2 * entropy).mean()


class Upside(nn.Module):
    """Highest at the right masks, and random."""

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        return -nn.functional.mse_loss(logits.sigmoid(), target) + 0 * torch.rand(())


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    ("loss", "fits"),
    [
        (nn.BCEWithLogitsLoss(), ALL),
        (nn.BCEWithLogitsLoss(reduction="sum"), ALL),
        (nn.MultiLabelSoftMarginLoss(), ALL),
        (nn.CrossEntropyLoss(), {"labels"}),
        (nn.CrossEntropyLoss(label_smoothing=0.1), {"labels"}),
        (nn.MSELoss(), {"labels"}),
        (nn.BCELoss(), set()),
        (nn.NLLLoss(), set()),
        (nn.KLDivLoss(), set()),
        (nn.SoftMarginLoss(), set()),
        (nn.HingeEmbeddingLoss(), set()),
        (nn.MarginRankingLoss(), set()),
        (nn.BCEWithLogitsLoss(reduction="none"), set()),
    ],
)
def test_a_loss_of_torch_must_be_lowest_at_the_right_masks(
    loss: nn.Module, fits: set[str], target: str
) -> None:
    path = f"torch.nn.{type(loss).__name__}"
    if target in fits:
        check_loss(path, loss, TARGETS[target])
        return
    with pytest.raises(UsageError, match=re.escape(f"model.loss is '{path}', which ")) as refused:
        check_loss(path, loss, TARGETS[target])
    line = str(refused.value)
    assert "\n" not in line
    assert "use lightning_app.losses.DiceCrossEntropy or torch.nn." in line
    assert all(f"fits data.target {name}" in line for name in fits)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("weights", [(1, 1), (1, 0), (0, 1)])
def test_our_loss_fits_every_target(
    target: str, weights: tuple[float, float], caplog: pytest.LogCaptureFixture
) -> None:
    loss = DiceCrossEntropy(TARGETS[target].exclusive, *weights)
    check_loss("lightning_app.losses.DiceCrossEntropy", loss, TARGETS[target])
    assert not caplog.text


@pytest.mark.parametrize(("loss", "warned"), [(Focal(), False), (Upside(), True)])
def test_a_loss_of_users_is_at_most_warned_about_and_takes_no_random_numbers(
    loss: nn.Module, warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    before = torch.get_rng_state()
    with caplog.at_level("WARNING", logger="lightning_app"):
        check_loss("mine.Loss", loss, TARGETS["regions"])

    assert ("as low for wrong masks" in caplog.text) is warned
    assert torch.get_rng_state().equal(before)


def test_a_training_without_any_gradient_is_stopped(
    program: Program, capfd: pytest.CaptureFixture[str]
) -> None:
    weights = ["--model.loss.dice_weight=0", "--model.loss.cross_entropy_weight=0"]
    assert program("fit", *weights) == 2
    assert "error: every gradient of the first 3 steps is zero" in capfd.readouterr().err
