"""Ensembles and mirrored predictions."""

import pytest
import torch
from torch import Tensor, nn

from models import Ensemble, Mirrored, UNet
from models.ensembles import mean_logit


class Answer(nn.Module):
    """A network that always gives the same logits."""

    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self.logits = logits

    def forward(self, image: Tensor) -> Tensor:
        return self.logits.expand(len(image), -1, -1, -1)


def random_logits(members: int, channels: int) -> Tensor:
    return 4 * torch.randn(members, 2, channels, 5, 6, generator=torch.Generator().manual_seed(1))


def test_the_sigmoid_is_the_mean_of_the_sigmoids() -> None:
    logits = random_logits(3, 2)
    joined = Ensemble([Answer(part[:1]) for part in logits])(torch.zeros(1, 1, 5, 6))
    assert torch.allclose(joined.sigmoid(), logits[:, :1].sigmoid().mean(dim=0), atol=1e-6)


def test_the_softmax_is_the_mean_of_the_softmaxes() -> None:
    logits = random_logits(3, 4)
    joined = Ensemble([Answer(part[:1]) for part in logits], exclusive=True)(
        torch.zeros(1, 1, 5, 6)
    )
    assert torch.allclose(
        joined.softmax(dim=1), logits[:, :1].softmax(dim=2).mean(dim=0), atol=1e-6
    )


@pytest.mark.parametrize("exclusive", [False, True])
def test_sure_networks_give_finite_logits(*, exclusive: bool) -> None:
    logits = torch.tensor([200.0, -200.0]).view(1, 1, 2, 1, 1).repeat(4, 1, 1, 1, 1)
    joined = mean_logit(logits, exclusive=exclusive)
    assert torch.isfinite(joined).all()
    assert joined[0, 0] > joined[0, 1]


def test_one_member_is_the_network_itself() -> None:
    torch.manual_seed(0)
    network = UNet(widths=[4, 4, 4, 4, 4]).eval()
    image = torch.randn(2, 1, 32, 32)
    with torch.no_grad():
        assert torch.allclose(Ensemble([network])(image), network(image), atol=1e-5)


def test_mirrored_predictions_turn_with_the_image() -> None:
    torch.manual_seed(0)
    network = UNet(widths=[4, 4, 4, 4, 4]).eval()
    mirrored, image = Mirrored(network), torch.randn(1, 1, 32, 48)
    with torch.no_grad():
        straight = mirrored(image)
        for axes in ((-1,), (-2,), (-1, -2)):
            assert torch.allclose(mirrored(image.flip(axes)).flip(axes), straight, atol=1e-4)
        four = [network(image.flip(a)).flip(a) for a in ((), (-1,), (-2,), (-1, -2))]
    expected = torch.stack([logits.sigmoid() for logits in four]).mean(dim=0)
    assert torch.allclose(straight.sigmoid(), expected, atol=1e-6)


def test_logits_of_half_precision_are_joined_in_float32() -> None:
    logits = random_logits(2, 1).half()
    joined = Ensemble([Answer(part[:1]) for part in logits])(torch.zeros(1, 1, 5, 6))
    assert joined.dtype == torch.float32


def test_an_ensemble_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="an ensemble of no network"):
        Ensemble([])
