"""The named sets of transforms, and what all transforms have in common."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from data_modules.augmentation.augmentation import Augmentation
from data_modules.augmentation.bias_field import BiasField
from data_modules.augmentation.blur import Blur
from data_modules.augmentation.intensity import Brightness, Contrast, Gamma
from data_modules.augmentation.low_resolution import LowResolution
from data_modules.augmentation.mirror import Mirror
from data_modules.augmentation.noise import Noise
from data_modules.augmentation.presets import PRESETS
from data_modules.augmentation.spatial import Spatial
from data_modules.augmentation.transform import Transform
from data_modules.batch_dataset import Batch

ALWAYS: list[Transform] = [
    Spatial(rotation_probability=1, scale_probability=1, elastic_probability=1),
    Noise(probability=1), Blur(probability=1), Brightness(probability=1),
    Contrast(probability=1), LowResolution((0.5, 0.5), probability=1), Gamma(probability=1),
    BiasField(probability=1), Mirror(probability=1),
]  # fmt: skip
INTENSITIES = [t for t in ALWAYS if not isinstance(t, Spatial | Mirror)]
names = pytest.mark.parametrize("transform", ALWAYS, ids=lambda t: type(t).__name__)


def batch_of(samples: int, channels: int = 2, shape: tuple[int, int] = (48, 40)) -> Batch:
    """Heads of noise with a tumour, background around them."""
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(samples, channels, *shape, generator=generator)
    labels = torch.zeros(samples, *shape, dtype=torch.uint8)
    brain = torch.zeros(shape, dtype=torch.bool)
    brain[8:40, 6:34] = True
    labels[:, 14:22, 10:20] = 2
    labels[:, 16:20, 12:16] = 3
    return {"image": image * brain, "labels": labels, "sample": torch.arange(samples)}


def augmented(transform: Transform, batch: Batch, epoch: int = 0) -> Batch:
    return Augmentation([transform], seed=1).augment(batch, epoch)


@names
def test_background_stays_0_and_types_stay(transform: Transform) -> None:
    batch = batch_of(6)
    result = augmented(transform, batch)

    assert not torch.equal(result["image"], batch["image"])
    assert (result["image"].dtype, result["labels"].dtype) == (torch.float32, torch.uint8)
    assert result["image"].shape == batch["image"].shape
    assert set(result["labels"].flatten().tolist()) <= {0, 2, 3}
    assert torch.isfinite(result["image"]).all()
    outside = augmented(transform, {**batch, "labels": (batch["image"][:, 0] != 0).byte()})
    assert (outside["image"][:, 0][outside["labels"] == 0] == 0).all()


@names
def test_nothing_happens_to_an_empty_slice(transform: Transform) -> None:
    batch = batch_of(3)
    empty: Batch = {**batch, "image": 0 * batch["image"], "labels": 0 * batch["labels"]}
    result = augmented(transform, empty)
    assert not result["image"].any()
    assert not result["labels"].any()


@names
def test_a_sample_is_changed_alike_alone_and_in_any_batch(transform: Transform) -> None:
    batch = batch_of(5)
    whole = augmented(transform, batch)
    for index in range(5):
        one: Batch = {name: values[index : index + 1] for name, values in batch.items()}
        alone = augmented(transform, one)
        assert torch.allclose(alone["image"][0], whole["image"][index], atol=1e-6)
        assert torch.equal(alone["labels"][0], whole["labels"][index])


@pytest.mark.parametrize("transform", INTENSITIES, ids=lambda t: type(t).__name__)
def test_changes_of_intensities_keep_labels(transform: Transform) -> None:
    batch = batch_of(4)
    assert torch.equal(augmented(transform, batch)["labels"], batch["labels"])


@pytest.mark.parametrize(
    ("make", "share"),
    [
        (lambda: Noise(probability=0.1), 0.1), (lambda: Gamma(probability=0.3), 0.3),
        (Spatial, 1 - 0.8 * 0.8 * 0.9), (lambda: Mirror(0.5), 0.75),
        (lambda: Mirror(0.0), 0.0), (lambda: Blur(probability=0.0), 0.0),
    ],
)  # fmt: skip
def test_a_transform_changes_its_share_of_the_samples(
    make: Callable[[], Transform], share: float
) -> None:
    augmentation = Augmentation([make()], seed=0)
    changed = sum(len(augmentation.draw(epoch, range(200))[0].rows) for epoch in range(5))
    assert abs(changed / 1000 - share) <= 4 * math.sqrt(share * (1 - share) / 1000)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
@names
def test_images_of_other_precisions_keep_it_and_change_alike(
    transform: Transform, dtype: torch.dtype
) -> None:
    batch = batch_of(6)
    batch["image"] = batch["image"].to(torch.bfloat16).float()  # exact in all three

    expected = augmented(transform, batch)["image"]
    result = augmented(transform, {**batch, "image": batch["image"].to(dtype)})["image"]

    assert result.dtype == dtype
    assert torch.equal(result, expected.to(dtype))


def test_presets_are_drawn_alike_whatever_was_drawn_before() -> None:
    for preset in ("light", "strong"):
        batch = batch_of(12)
        first = Augmentation(PRESETS[preset](), 3, 1).augment(batch, 7)
        torch.manual_seed(9)
        other = Augmentation(PRESETS[preset](), 3, 1)
        other.augment(batch, 2)
        again = other.augment(batch, 7)
        assert torch.equal(first["image"], again["image"])
        assert torch.equal(first["labels"], again["labels"])
        assert not torch.equal(first["image"], batch["image"])
    assert PRESETS["none"]() == []


def test_a_quarter_turn_is_rot90() -> None:
    square = batch_of(1, shape=(48, 48))
    turn = torch.tensor([[math.pi / 2, 1.0, 0.0, *[0.0] * 128]])
    image, labels = Spatial()(square["image"], square["labels"], turn)

    turned = {torch.equal(labels, torch.rot90(square["labels"], k, (1, 2))) for k in (1, -1)}
    assert turned == {True, False}
    k = 1 if torch.equal(labels, torch.rot90(square["labels"], 1, (1, 2))) else -1
    assert torch.allclose(image, torch.rot90(square["image"], k, (2, 3)), atol=1e-4)


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_a_factor_above_1_makes_the_head_larger(factor: float) -> None:
    batch = batch_of(1, shape=(96, 96))
    scaled, _ = Spatial()(
        batch["image"], batch["labels"], torch.tensor([[0.0, factor, 0.0, *[0.0] * 128]])
    )
    middle: Batch = {**batch, "image": torch.zeros(1, 1, 96, 96)}
    middle["image"][:, :, 40:56, 40:56] = 1.0
    scaled, _ = Spatial()(
        middle["image"], batch["labels"], torch.tensor([[0.0, factor, 0.0, *[0.0] * 128]])
    )
    assert (scaled != 0).sum().item() == pytest.approx(256 * factor**2, rel=0.15)


def test_an_elastic_deformation_moves_pixels_by_no_more_than_its_amplitude() -> None:
    ramp = torch.arange(1.0, 65.0).expand(1, 1, 64, 64)
    rng = np.random.default_rng(0)
    knots = rng.uniform(-1, 1, 128)
    parameters = torch.tensor([[0.0, 1.0, 3.0, *knots]], dtype=torch.float32)
    moved, _ = Spatial()(ramp, torch.zeros(1, 64, 64, dtype=torch.uint8), parameters)
    inside = (moved - ramp)[..., 8:-8, 8:-8]
    assert 0.5 < inside.abs().max() < 3 * 1.5  # cubic interpolation overshoots its knots
    assert inside.diff(dim=-1).abs().max() < 2.0


def test_noise_is_normal_and_independent() -> None:
    image = torch.ones(2, 1, 100, 120)
    labels = torch.zeros(2, 100, 120, dtype=torch.uint8)
    noisy, _ = Noise()(image, labels, torch.tensor([[0.5, 1.0], [0.5, 2.0]]))
    noise = (noisy - image) / 0.5
    assert noise.mean().abs() < 0.03
    assert noise.std() == pytest.approx(1, abs=0.03)
    assert (noise.abs() < 1).float().mean() == pytest.approx(0.6827, abs=0.02)
    assert (noise[0] * noise[1]).mean().abs() < 0.03
    assert (noise[..., 1:] * noise[..., :-1]).mean().abs() < 0.03


def test_blur_of_one_pixel_is_a_gaussian_and_of_a_constant_is_the_constant() -> None:
    image = torch.full((1, 1, 21, 21), 1e-9)
    image[..., 10, 10] = 1.0
    blurred, _ = Blur((1.0, 1.0))(image, torch.zeros(1, 21, 21), torch.tensor([1.0]))
    row = torch.exp(-0.5 * torch.arange(-3.0, 4.0) ** 2)
    assert torch.allclose(blurred[0, 0, 10, 7:14] / blurred[0, 0, 10, 10], row, atol=1e-3)

    constant = batch_of(1)["image"].bool().float() * 2.5
    blurred, _ = Blur()(constant, torch.zeros(1, 48, 40), torch.tensor([0.8]))
    assert torch.allclose(blurred, constant, atol=1e-5)


def test_brightness_contrast_and_gamma_by_hand() -> None:
    image = torch.tensor([[[[0.0, 1.0, 2.0, 6.0]]]])
    labels = torch.zeros(1, 1, 4)
    brighter, _ = Brightness()(image, labels, torch.tensor([1.5]))
    assert brighter.flatten().tolist() == [0, 1.5, 3, 9]
    flatter, _ = Contrast()(image, labels, torch.tensor([0.5]))
    assert flatter.flatten().tolist() == [0, 2, 2.5, 4.5]
    clipped, _ = Contrast()(image, labels, torch.tensor([2.0]))
    assert clipped.flatten().tolist() == [0, 1, 1, 6]
    for sign in (1.0, -1.0):
        raised, _ = Gamma()(image, labels, torch.tensor([[2.0, sign]]))
        values = raised.flatten()[1:]
        powers = (sign * np.array([1, 2, 6]) - min(sign, 6 * sign)) / 5
        expected = powers**2 * sign
        expected = (expected - expected.mean()) / expected.std() * np.std([1, 2, 6]) + 3
        assert values.numpy() == pytest.approx(expected, abs=1e-5)


def test_half_the_resolution_keeps_a_ramp_and_removes_stripes() -> None:
    x = torch.arange(1.0, 41.0).expand(1, 1, 40, 40)
    labels = torch.zeros(1, 40, 40)
    ramp, _ = LowResolution()(x, labels, torch.tensor([0.5]))
    assert (ramp - x)[..., 4:-4].abs().max() <= 0.5 + 1e-4
    stripes = (x % 2) * 2 - 1
    result, _ = LowResolution()(stripes, labels, torch.tensor([0.5]))
    assert result[..., 4:-4].diff(dim=-1).abs().max() < 0.5


def test_the_bias_field_is_smooth_with_mean_1() -> None:
    image = torch.ones(1, 1, 64, 48)
    drawn = np.random.default_rng(2).uniform(-0.3, 0.3, (1, 9))
    coefficients = torch.tensor(drawn, dtype=torch.float32)
    field, _ = BiasField()(image, torch.zeros(1, 64, 48), coefficients)
    assert field.mean() == pytest.approx(1, abs=1e-5)
    assert field.min() > 0.1
    assert field.std() > 0.05
    assert field.diff(dim=-1).abs().max() < 0.2


def test_mirroring_along_both_axes_is_half_a_turn() -> None:
    batch = batch_of(1)
    image, labels = Mirror()(batch["image"], batch["labels"], torch.tensor([[True, True]]))
    assert torch.equal(image, torch.rot90(batch["image"], 2, (2, 3)))
    assert torch.equal(labels, torch.rot90(batch["labels"], 2, (1, 2)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Noise(probability=1.5), "probability is 1.5, expected a number from 0 to 1"),
        (lambda: Noise(deviation=(0.3, 0.1)), r"deviation is \[0.3, 0.1\], expected two ascending"),
        (lambda: Spatial(scale=(0, 1)), r"scale is \[0, 1\]"),
        (lambda: LowResolution(zoom=(0.5, 2)), r"zoom is \[0.5, 2\], expected numbers up to 1"),
        (lambda: Mirror(math.nan), "probability is nan"),
        (lambda: BiasField(math.inf), "strength"),
    ],
)
def test_impossible_options_are_refused(make: Callable[[], Transform], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_the_meta_device_accepts_every_transform() -> None:
    """No shape depends on a value, so that nothing waits for the device."""
    batch = batch_of(2)
    for transform in ALWAYS:
        (drawn,) = Augmentation([transform], 0).draw(0, [0, 1])
        image, labels = (batch[name].to("meta") for name in ("image", "labels"))
        result: tuple[Tensor, Tensor] = transform(image, labels, drawn.parameters.to("meta"))
        assert result[0].shape == batch["image"].shape
