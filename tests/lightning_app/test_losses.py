import numpy as np
import pytest
import torch
from torch import Tensor

from lightning_app.losses import DiceCrossEntropy, soft_dice


def masks(seed: int, shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(shape, generator=generator)
    return logits, (torch.rand(shape, generator=generator) > 0.7).float()


def test_soft_dice_by_hand() -> None:
    probabilities = torch.tensor([0.5, 1.0, 0.0, 0.5]).view(1, 1, 2, 2)
    target = torch.tensor([1.0, 1.0, 0.0, 0.0]).view(1, 1, 2, 2)

    assert soft_dice(probabilities, target) == pytest.approx((2 * 1.5 + 1) / (2 + 2 + 1))


def test_sigmoid_loss_equals_numpy() -> None:
    logits, target = masks(0, (3, 2, 5, 4))
    x, t = logits.double().numpy(), target.double().numpy()
    p = 1 / (1 + np.exp(-x))
    cross_entropy = -(t * np.log(p) + (1 - t) * np.log(1 - p)).mean()
    dice = [
        (2 * (p[:, c] * t[:, c]).sum() + 1) / (p[:, c].sum() + t[:, c].sum() + 1) for c in range(2)
    ]

    loss = DiceCrossEntropy()(logits, target)

    assert float(loss) == pytest.approx(cross_entropy + 1 - np.mean(dice), rel=1e-6)


def test_softmax_loss_equals_numpy_and_leaves_the_background_out_of_dice() -> None:
    logits, _ = masks(1, (2, 4, 3, 3))
    labels = torch.randint(4, (2, 3, 3), generator=torch.Generator().manual_seed(2))
    target = torch.nn.functional.one_hot(labels, 4).movedim(-1, 1).float()
    x, t = logits.double().numpy(), target.double().numpy()
    p = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    cross_entropy = -np.log((p * t).sum(axis=1)).mean()
    dice = [
        (2 * (p[:, c] * t[:, c]).sum() + 1) / (p[:, c].sum() + t[:, c].sum() + 1) for c in (1, 2, 3)
    ]

    loss = DiceCrossEntropy(exclusive=True)(logits, target)

    assert float(loss) == pytest.approx(cross_entropy + 1 - np.mean(dice), rel=1e-6)


def test_weights_scale_the_two_parts() -> None:
    logits, target = masks(3, (2, 1, 4, 4))
    both = DiceCrossEntropy()(logits, target)
    dice = DiceCrossEntropy(cross_entropy_weight=0)(logits, target)
    cross_entropy = DiceCrossEntropy(dice_weight=0)(logits, target)

    assert float(both) == pytest.approx(float(dice + cross_entropy))
    assert float(DiceCrossEntropy(dice_weight=2)(logits, target)) == pytest.approx(
        float(2 * dice + cross_entropy)
    )


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float16])
def test_half_precision_sums_do_not_overflow(precision: torch.dtype) -> None:
    logits = torch.full((8, 1, 240, 240), 9.0, dtype=precision)  # 460,800 pixels
    target = torch.ones(8, 1, 240, 240)

    with torch.autocast("cpu", torch.bfloat16):
        loss = DiceCrossEntropy()(logits, target)

    assert loss.dtype == torch.float32
    miss = 1 / (1 + np.exp(9.0))  # Dice loses half of what each pixel misses, cross-entropy all
    assert float(loss) == pytest.approx(1.5 * miss, rel=0.01)


@pytest.mark.parametrize("exclusive", [False, True])
def test_a_batch_without_target_has_a_finite_loss_and_gradient(exclusive: bool) -> None:
    logits = torch.zeros(2, 4, 4, 4, requires_grad=True)
    target = torch.zeros(2, 4, 4, 4)
    target[:, 0] = float(exclusive)

    DiceCrossEntropy(exclusive=exclusive)(logits, target).backward()

    assert logits.grad is not None
    assert logits.grad.isfinite().all()
    assert (logits.grad != 0).any()


@pytest.mark.parametrize("loss", [torch.nn.BCEWithLogitsLoss(), torch.nn.CrossEntropyLoss()])
def test_losses_of_torch_take_the_same_arguments(loss: torch.nn.Module) -> None:
    logits, target = masks(4, (2, 4, 4, 4))

    assert loss(logits, target).ndim == 0
