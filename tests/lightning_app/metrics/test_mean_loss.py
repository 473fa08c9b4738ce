import math

import pytest
import torch

from lightning_app.metrics.mean_loss import MeanLoss


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


def test_two_devices_and_one_that_goes_on_for_both_come_to_the_same() -> None:
    losses = torch.rand(200, generator=torch.Generator().manual_seed(0)) + 0.1
    even, odd, one = MeanLoss(), MeanLoss(), MeanLoss()
    for number, loss in enumerate(losses):
        (odd if number % 2 else even).update(loss, 31 + number % 2)
        one.update(loss, 31 + number % 2)
    even.mean_value += odd.mean_value
    even.weight += odd.weight

    assert even.compute().dtype == torch.float32
    assert torch.equal(even.compute(), one.compute())


def test_it_is_saved_under_the_names_that_checkpoints_have() -> None:
    mean = MeanLoss()
    mean.persistent(mode=True)

    assert set(mean.state_dict()) == {"mean_value", "weight"}
