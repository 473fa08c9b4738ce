import pytest
import torch
from torch import Tensor

from data_modules.targets import TARGETS

LABELS = torch.tensor([[[0, 1, 2, 3]]], dtype=torch.uint8)  # one slice of one row


def rows(masks: Tensor) -> list[list[int]]:
    """The channels of one slice of one row."""
    return [[int(value) for value in channel] for channel in masks[0, :, 0]]


MASKS = {
    "whole": [[0, 1, 1, 1]],
    "core": [[0, 1, 0, 1]],
    "enhancing": [[0, 0, 0, 1]],
    "regions": [[0, 1, 1, 1], [0, 1, 0, 1], [0, 0, 0, 1]],
    "labels": [[0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]],
}
WRITTEN = {
    "whole": [0, 1, 1, 1],
    "core": [0, 1, 0, 1],
    "enhancing": [0, 0, 0, 1],
    "regions": [0, 1, 2, 3],
    "labels": [0, 1, 2, 3],
}
FOREGROUND = {
    "whole": (1, 2, 3),
    "core": (1, 3),
    "enhancing": (3,),
    "regions": (1, 2, 3),
    "labels": (1, 2, 3),
}
NAMES = {
    "whole": ("whole",),
    "core": ("core",),
    "enhancing": ("enhancing",),
    "regions": ("whole", "core", "enhancing"),
    "labels": ("necrotic", "oedema", "enhancing"),
}


def test_there_are_the_five_targets() -> None:
    assert list(TARGETS) == list(MASKS)
    assert all(target.name == name for name, target in TARGETS.items())


@pytest.mark.parametrize("name", MASKS)
def test_masks_of_the_classes(name: str) -> None:
    masks = TARGETS[name].classes_of(LABELS)

    assert masks.dtype == torch.bool
    assert rows(masks) == MASKS[name]
    assert TARGETS[name].class_names == NAMES[name]


@pytest.mark.parametrize("name", MASKS)
def test_the_loss_compares_with_the_masks_and_a_background_where_classes_exclude_each_other(
    name: str,
) -> None:
    encoded = TARGETS[name].encode(LABELS)

    background = [[1, 0, 0, 0]] if name == "labels" else []
    assert encoded.dtype == torch.float32
    assert rows(encoded) == background + MASKS[name]
    assert encoded.shape[1] == TARGETS[name].channels


@pytest.mark.parametrize("name", MASKS)
def test_foreground_is_every_label_of_any_class(name: str) -> None:
    assert TARGETS[name].foreground == FOREGROUND[name]


@pytest.mark.parametrize("name", MASKS)
def test_a_perfect_prediction_is_decoded_and_written_as_the_truth(name: str) -> None:
    target = TARGETS[name]
    logits = 8 * target.encode(LABELS) - 4

    decoded = target.decode(logits)
    written = target.write(decoded)

    assert decoded.dtype == torch.bool
    assert rows(decoded) == MASKS[name]
    assert written.dtype == torch.uint8
    assert written[0, 0].tolist() == WRITTEN[name]


@pytest.mark.parametrize("name", ["whole", "core", "enhancing", "regions"])
def test_a_sigmoid_class_is_there_above_one_half(name: str) -> None:
    target = TARGETS[name]
    logits = torch.tensor([-2.0, -1e-6, 0, 1e-6]).expand(1, target.channels, 1, 4)

    assert rows(target.decode(logits)) == [[0, 0, 0, 1]] * target.channels


def test_of_exclusive_classes_the_most_probable_wins_be_it_above_one_half_or_not() -> None:
    logits = torch.tensor(
        [
            # background, necrotic, oedema, enhancing
            [5.0, -9.0, -9.0, -9.0],
            [-3.0, -1.0, -2.0, -4.0],
            [0.1, 0.2, 0.4, 0.3],
            [9.0, 1.0, 1.0, 9.5],
            [3.0, 2.0, 2.0, 2.0],
        ]
    ).T.reshape(1, 4, 1, 5)

    decoded = TARGETS["labels"].decode(logits)

    assert rows(decoded) == [[0, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 1, 0]]
    assert TARGETS["labels"].write(decoded)[0, 0].tolist() == [0, 1, 2, 3, 0]


def test_nested_regions_are_written_from_the_outside_in() -> None:
    masks = torch.tensor(
        [
            # whole, core, enhancing
            [0, 0, 0],
            [1, 0, 0],
            [1, 1, 0],
            [1, 1, 1],
            [0, 1, 0],  # a network need not nest them
            [1, 0, 1],
        ]
    ).T.reshape(1, 3, 1, 6)

    assert TARGETS["regions"].write(masks.bool())[0, 0].tolist() == [0, 2, 1, 3, 1, 3]


@pytest.mark.parametrize("name", ["regions", "labels"])
@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7])
def test_masks_are_those_of_the_label_map(name: str, threshold: float) -> None:
    target = TARGETS[name]
    logits = torch.randn(2, target.channels, 5, 6, generator=torch.Generator().manual_seed(0))

    masks = target.decode(logits, threshold)

    assert torch.equal(target.classes_of(target.write(masks)), masks)
    if name == "regions":
        above = logits.sigmoid() > threshold
        assert not torch.equal(above, masks)
        assert torch.equal(target.write(above), target.write(masks))


def test_a_threshold_is_not_rounded_to_the_precision_of_the_logits() -> None:
    logits = torch.full((1, 1, 1, 1), 0.40625, dtype=torch.bfloat16)  # a probability of 0.6002
    assert TARGETS["whole"].decode(logits, 0.6).item()


def test_slices_of_a_batch_are_kept_apart() -> None:
    labels = torch.tensor([[[0, 1], [2, 3]], [[3, 3], [0, 0]]], dtype=torch.uint8)

    for name in ("regions", "labels"):
        target = TARGETS[name]
        written = target.write(target.decode(target.encode(labels) - 0.5))
        assert torch.equal(written, labels)


@pytest.mark.parametrize("name", MASKS)
def test_each_class_has_a_value_to_be_written_and_its_meaning(name: str) -> None:
    target = TARGETS[name]

    assert len(target.written) == len(target.class_names)
    assert all(value > 0 and meaning for value, meaning in target.written)


@pytest.mark.parametrize("name", TARGETS)
def test_probabilities_are_those_of_the_classes_in_float32(name: str) -> None:
    target = TARGETS[name]
    odds = torch.arange(1, target.channels + 1).view(1, -1, 1, 1).float()  # of each channel
    found = target.probabilities(odds.log().half())
    expected = odds[:, 1:] / odds.sum() if target.exclusive else odds / (1 + odds)
    assert found.dtype == torch.float32
    assert found.shape == (1, len(target.class_names), 1, 1)
    assert torch.allclose(found, expected, atol=1e-3)


@pytest.mark.parametrize("name", ["whole", "core", "enhancing"])
def test_masks_are_probabilities_above_one_half(name: str) -> None:
    target = TARGETS[name]
    logits = 3 * torch.randn(2, target.channels, 5, 6, generator=torch.Generator().manual_seed(0))
    assert torch.equal(target.probabilities(logits) > 0.5, target.decode(logits))
