from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from benchmarks.accuracy.curve import SHARES, Curve, mean_dice
from data_modules.brats import BraTSDataModule


@pytest.fixture(scope="module")
def data(toy_root: Path, tmp_path_factory: pytest.TempPathFactory) -> BraTSDataModule:
    data = BraTSDataModule(
        toy_root, modalities=["t2f"], slices="all", image_size=(32, 32), batch_size=4,
        cache_dir=tmp_path_factory.mktemp("cache"), split_sizes=(8, 2, 2),
    )  # fmt: skip
    data.prepare_data()
    data.setup("test")
    return data


def _bright(image: Tensor) -> Tensor:
    return image


def test_the_dice_is_that_of_the_volumes(data: BraTSDataModule) -> None:
    dataset = data.datasets["test"]
    batch = dataset.gather(range(len(dataset)))
    prediction, reference = (batch["image"][:, 0] > 0).numpy(), (batch["labels"] > 0).numpy()
    expected = []
    for case in range(2):
        masks = prediction[dataset.case_index == case], reference[dataset.case_index == case]
        expected.append(2 * np.logical_and(*masks).sum() / (masks[0].sum() + masks[1].sum()))

    dice = mean_dice(_bright, data.test_dataloader(), data)

    assert 0 < dice < 1
    assert dice == pytest.approx(np.mean(expected))


def test_a_curve_tests_at_shares_of_the_epochs(data: BraTSDataModule) -> None:
    curve = Curve(data, epochs=16)

    for _ in range(16):
        curve.test_if_due(_bright)
        curve.epoch_ended()

    assert [point.epoch for point in curve.points] == [2 * number for number in range(1, 9)]
    assert len(SHARES) == 8
    assert len(curve.seconds) == 16
    assert curve.points[-1].minutes == pytest.approx(sum(curve.seconds) / 60)


def test_the_tests_are_not_counted_as_training(
    data: BraTSDataModule, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr("benchmarks.accuracy.curve.process_time", lambda: now)
    curve = Curve(data, epochs=1)
    now = 30.0

    def slow(image: Tensor) -> Tensor:
        nonlocal now
        now += 1000
        return torch.zeros_like(image) - 1

    curve.test_if_due(slow)
    curve.epoch_ended()

    assert curve.seconds == [30.0]
    assert curve.points[0].minutes == 0.5
