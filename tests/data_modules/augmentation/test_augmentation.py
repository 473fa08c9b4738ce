from collections.abc import Iterable

import numpy as np
import pytest
import torch
from torch import Tensor

from data_modules.augmentation.augmentation import Augmentation, Drawn
from data_modules.augmentation.horizontal_flip import HorizontalFlip
from data_modules.augmentation.transform import Transform
from data_modules.batch_dataset import Batch


class Shift(Transform):
    """Add a random number to the image."""

    def draw(self, rng: np.random.Generator) -> float:
        return rng.uniform(-1, 1)

    def forward(self, image: Tensor, labels: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        return image + parameters[:, None, None, None], labels


class Mask(Transform):
    """Set pixels to 0 that a buffer names."""

    kept: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("kept", torch.ones(4, 6))

    def draw(self, rng: np.random.Generator) -> float:
        return rng.uniform(0, 1)

    def forward(self, image: Tensor, labels: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        return image * self.kept * parameters[:, None, None, None], labels


def batch_of(samples: int) -> Batch:
    generator = torch.Generator().manual_seed(0)
    return {
        "image": torch.randn(samples, 2, 4, 6, generator=generator),
        "labels": torch.randint(0, 4, (samples, 4, 6), generator=generator, dtype=torch.uint8),
        "sample": torch.arange(samples),
    }


def parameters_of(augmentation: Augmentation, epoch: int, samples: Iterable[int]) -> list[Tensor]:
    """What each transform draws for samples of which it changes all."""
    samples = list(samples)
    drawn = augmentation.draw(epoch, samples)
    assert all(changes.rows.tolist() == list(range(len(samples))) for changes in drawn)
    return [changes.parameters for changes in drawn]


def coins(seed: int, epoch: int, samples: int) -> list[bool]:
    """The flips of every version so far, spelt out."""
    return [np.random.default_rng((seed, epoch, i)).random() < 0.5 for i in range(samples)]


@pytest.mark.parametrize(("seed", "epoch"), [(0, 0), (7, 0), (0, 7), (4_294_967_295, 99)])
def test_flips_are_a_coin_of_seed_epoch_and_sample(seed: int, epoch: int) -> None:
    batch = batch_of(40)

    flipped = Augmentation([HorizontalFlip()], seed).augment(batch, epoch)

    for sample, coin in enumerate(coins(seed, epoch, 40)):
        for name in ("image", "labels"):
            expected = batch[name][sample].flip(-1) if coin else batch[name][sample]
            assert torch.equal(flipped[name][sample], expected)
    assert torch.equal(flipped["sample"], batch["sample"])


def test_flips_change_with_seed_epoch_and_sample() -> None:
    patterns = {tuple(coins(seed, epoch, 40)) for seed in range(3) for epoch in range(4)}

    assert len(patterns) == 12
    assert all(0 < sum(pattern) < 40 for pattern in patterns)


def test_about_half_of_the_samples_are_flipped() -> None:
    augmentation = Augmentation([HorizontalFlip()], 0)

    flips = sum(int(parameters_of(augmentation, epoch, range(200))[0].sum()) for epoch in range(5))

    assert abs(flips - 500) < 80  # standard deviation 16


def test_parameters_depend_on_nothing_but_seed_epoch_and_sample() -> None:
    one, other = (Augmentation([HorizontalFlip(), Shift()], seed=3) for _ in range(2))
    torch.manual_seed(1)
    forwards = parameters_of(one, 4, range(40))
    torch.manual_seed(2)
    for epoch in range(3):
        other.draw(epoch, [1])

    backwards = parameters_of(other, 4, range(39, -1, -1))

    for parameters, reverse in zip(forwards, backwards, strict=True):
        assert torch.equal(parameters, reverse.flip(0))


def test_each_transform_has_its_own_random_stream() -> None:
    (first,) = parameters_of(Augmentation([Shift()], seed=3), 0, range(20))
    both = parameters_of(Augmentation([Shift(), Shift()], seed=3), 0, range(20))
    (second,) = parameters_of(Augmentation([Shift()], seed=3, first_stream=1), 0, range(20))

    assert torch.equal(both[0], first)  # appending a transform changes no other
    assert torch.equal(both[1], second)
    assert not torch.isclose(first, second).any()


def test_parameters_are_drawn_as_they_are_and_floats_as_float32() -> None:
    augmentation = Augmentation([HorizontalFlip(), Shift()], seed=0)
    flip, shift = parameters_of(augmentation, 0, range(3))

    assert (flip.dtype, flip.shape) == (torch.bool, (3,))
    assert (shift.dtype, shift.shape) == (torch.float32, (3,))


def test_transforms_are_applied_in_order_and_keep_types() -> None:
    batch = batch_of(20)
    augmentation = Augmentation([HorizontalFlip(), Shift()], seed=1)
    flip, shift = parameters_of(augmentation, 2, range(20))

    augmented = augmentation.augment(batch, 2)

    flipped, _ = HorizontalFlip()(batch["image"], batch["labels"], flip)
    assert torch.equal(augmented["image"], flipped + shift[:, None, None, None])
    for name, values in batch.items():
        assert (augmented[name].dtype, augmented[name].shape) == (values.dtype, values.shape)


def test_the_batch_that_is_augmented_is_left_as_it_was() -> None:
    batch, untouched = batch_of(20), batch_of(20)

    Augmentation([HorizontalFlip(), Shift()], seed=1).augment(batch, 0)

    assert all(torch.equal(batch[name], untouched[name]) for name in batch)


def test_without_transforms_a_batch_stays_as_it_is() -> None:
    batch = batch_of(3)

    assert Augmentation([], seed=1).augment(batch, 0) == batch


def test_the_buffers_of_a_transform_are_on_the_device_of_the_batch() -> None:
    augmentation = Augmentation([Mask()], seed=1)
    there = {name: values.to("meta") for name, values in batch_of(3).items()}

    drawn = augmentation.draw(0, range(3))
    augmented = augmentation(there, [Drawn(*(v.to("meta") for v in changes)) for changes in drawn])

    assert augmented["image"].device.type == "meta"
    assert augmented["image"].shape == there["image"].shape


class Some(Transform):
    """Add a positive random number to some samples."""

    def draw(self, rng: np.random.Generator) -> float | None:
        value = rng.uniform(-1, 1)
        return value if value > 0 else None

    def forward(self, image: Tensor, labels: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        return image + parameters[:, None, None, None], labels


def test_samples_for_which_nothing_is_drawn_stay_as_they_are() -> None:
    batch = batch_of(20)
    augmentation = Augmentation([Some()], seed=1)
    ((rows, parameters),) = augmentation.draw(0, range(20))
    result = augmentation.augment(batch, 0)

    assert 0 < len(rows) < 20
    expected = batch["image"].clone()
    for row, parameter in zip(rows.tolist(), parameters.tolist(), strict=True):
        expected[row] += parameter
    assert torch.equal(result["image"], expected)
    assert torch.equal(result["labels"], batch["labels"])
