import math

import pytest
import torch

from lightning_app.mean_loss import MeanLoss


def test_every_sample_weighs_the_same() -> None:
    mean = MeanLoss()
    for loss, samples in ((1.0, 32), (0.5, 8)):
        mean.update(torch.tensor(loss), samples)

    assert float(mean.compute()) == pytest.approx((1.0 * 32 + 0.5 * 8) / 40)


def test_a_loss_that_is_no_number_is_not_passed_over() -> None:
    mean = MeanLoss()
    mean.update(torch.tensor(1.0), 1)
    mean.update(torch.tensor(math.nan), 1)

    assert math.isnan(float(mean.compute()))


def test_it_is_saved_under_the_names_that_checkpoints_have() -> None:
    mean = MeanLoss()
    mean.persistent(mode=True)

    assert set(mean.state_dict()) == {"mean_value", "weight"}
