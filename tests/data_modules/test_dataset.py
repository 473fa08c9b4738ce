from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from data_modules.cache.memmap import MappedFile, SliceArray
from data_modules.catalog.cases import Case
from data_modules.catalog.releases import RELEASES
from data_modules.dataset import SliceDataset

SIZE = (4, 6)


def case(name: str) -> Case:
    return Case(name, name, Path(name), RELEASES[0], {}, None)


def array(slices: Mapping[str, list[int]], seed: int, *, labels: bool = False) -> SliceArray:
    """Random slices, so that no two are alike; as the cache has them, row 0 blank."""
    rng = np.random.default_rng(seed)
    shape = (1 + sum(map(len, slices.values())), *SIZE)
    values: NDArray[Any] = rng.normal(size=shape).astype(np.float16)
    if labels:
        values = rng.integers(0, 4, shape).astype(np.uint8)
    values[0] = 0
    return mapped(slices, values)


def mapped(slices: Mapping[str, list[int]], values: NDArray[Any]) -> SliceArray:
    first = np.cumsum([1, *map(len, slices.values())]).tolist()
    with TemporaryDirectory() as folder:  # what is mapped outlives its name
        np.save(Path(folder) / "array.npy", values)
        file = MappedFile(Path(folder) / "array.npy")
    return SliceArray(
        file=file,
        indices={name: np.array(ids, np.int64) for name, ids in slices.items()},
        first_row=dict(zip(slices, first, strict=False)),
        spacings={},
        digest="",
        sizes={},
        intensities={},
        bad={},
        warnings=[],
    )


def many(seed: int | None, samples: int = 40) -> SliceDataset:
    """One case with many slices."""
    slices = {"a": list(range(samples))}
    return SliceDataset([case("a")], [array(slices, 1)], array(slices, 2, labels=True), seed)


def flipped(dataset: SliceDataset, epoch: int, samples: int = 40) -> list[bool]:
    """Which samples are mirrored, told by comparing with a set that never flips."""
    batch = dataset.__getitems__([(epoch, sample) for sample in range(samples)])
    plain = many(None, samples).__getitems__([(0, sample) for sample in range(samples)])
    found = []
    for sample in range(samples):
        image, labels = batch["image"][sample], batch["labels"][sample]
        same = torch.equal(image, plain["image"][sample])
        if not same:
            assert torch.equal(image, plain["image"][sample].flip(-1))
            assert torch.equal(labels, plain["labels"][sample].flip(-1))
        else:
            assert torch.equal(labels, plain["labels"][sample])
        found.append(not same)
    return found


def test_slices_that_any_array_holds_are_used_and_line_up() -> None:
    t1c = array({"a": [1, 2], "b": [0]}, 1)
    t2f = array({"a": [2, 3], "b": []}, 2)
    truth = array({"a": [3, 5], "b": [0, 1]}, 3, labels=True)

    dataset = SliceDataset([case("a"), case("b")], [t1c, t2f], truth)
    batch = dataset.__getitems__([(0, sample) for sample in range(6)])

    assert dataset.case_index.tolist() == [0, 0, 0, 0, 1, 1]
    assert dataset.slice_index.tolist() == [1, 2, 3, 5, 0, 1]
    rows = {"t1c": [1, 2, 0, 0, 3, 0], "t2f": [0, 1, 2, 0, 0, 0], "truth": [0, 0, 1, 2, 3, 4]}
    np.testing.assert_array_equal(batch["image"][:, 0], t1c.values[rows["t1c"]])
    np.testing.assert_array_equal(batch["image"][:, 1], t2f.values[rows["t2f"]])
    np.testing.assert_array_equal(batch["labels"], truth.values[rows["truth"]])


def test_cases_come_in_the_order_given_whatever_that_of_the_arrays() -> None:
    slices = {"a": [0], "b": [0], "c": [0]}
    images, truth = array(slices, 1), array(slices, 2, labels=True)

    batch = SliceDataset([case("c"), case("a")], [images], truth).__getitems__([(0, 0), (0, 1)])

    np.testing.assert_array_equal(batch["image"][:, 0], images.values[[3, 1]])
    np.testing.assert_array_equal(batch["labels"], truth.values[[3, 1]])


def test_what_a_batch_is_made_of() -> None:
    batch = many(None).__getitems__([(0, 5), (0, 3), (0, 5)])

    assert (batch["image"].dtype, batch["image"].shape) == (torch.float32, (3, 1, *SIZE))
    assert (batch["labels"].dtype, batch["labels"].shape) == (torch.uint8, (3, *SIZE))
    assert (batch["sample"].dtype, batch["sample"].tolist()) == (torch.int64, [5, 3, 5])
    assert set(batch) == {"image", "labels", "sample"}


@pytest.mark.parametrize("seed", [None, 7])
def test_a_batch_is_its_samples_stacked(seed: int | None) -> None:
    dataset = many(seed)
    items = [(2, 9), (2, 0), (2, 33), (2, 4), (2, 10), (2, 11)]

    batch = dataset.__getitems__(items)

    single = [dataset[item] for item in items]
    for key, values in batch.items():
        assert torch.equal(values, torch.cat([one[key] for one in single]))


def test_without_a_seed_nothing_is_mirrored() -> None:
    assert not any(any(flipped(many(None), epoch)) for epoch in range(5))


def test_about_half_is_mirrored_image_and_labels_alike() -> None:
    count = sum(sum(flipped(many(0, 200), epoch, 200)) for epoch in range(5))

    assert abs(count - 500) < 80  # standard deviation 16


def test_mirroring_changes_with_seed_epoch_and_sample() -> None:
    patterns = {tuple(flipped(many(seed), epoch)) for seed in range(3) for epoch in range(4)}

    assert len(patterns) == 12
    assert all(0 < sum(pattern) < 40 for pattern in patterns)


def test_mirroring_depends_on_nothing_else_than_seed_epoch_and_sample() -> None:
    dataset, other = many(3), many(3)
    torch.manual_seed(1)
    forwards = dataset.__getitems__([(4, sample) for sample in range(40)])
    torch.manual_seed(2)
    for epoch in range(3):
        other.__getitems__([(epoch, 1)])

    backwards = other.__getitems__([(4, sample) for sample in reversed(range(40))])

    assert torch.equal(forwards["image"], backwards["image"].flip(0))
    assert torch.equal(forwards["labels"], backwards["labels"].flip(0))


def test_the_arrays_are_left_as_they_were() -> None:
    slices = {"a": list(range(8))}
    images, truth = array(slices, 1), array(slices, 2, labels=True)
    before = images.values.copy(), truth.values.copy()

    batch = SliceDataset([case("a")], [images], truth, 0).__getitems__([(0, s) for s in range(8)])
    batch["image"].zero_()
    batch["labels"].zero_()

    np.testing.assert_array_equal(images.values, before[0])
    np.testing.assert_array_equal(truth.values, before[1])


def by_hand() -> SliceDataset:
    """Two cases: slices of "a" hold 1, 3 and 3 voxels of label 3, those of "b" none."""
    slices = {"a": [0, 1, 2], "b": [0, 1, 2, 3, 4]}
    truth = np.zeros((9, *SIZE), np.uint8)
    truth[1, 0, :1] = 3
    truth[2, 0, :3] = 3
    truth[3, 0, :3] = 3
    truth[3, 1, :5] = 1
    truth[5, 2, :2] = 2
    return SliceDataset([case("a"), case("b")], [array(slices, 1)], mapped(slices, truth))


def test_labels_are_counted_over_all_samples() -> None:
    assert by_hand().label_counts().tolist() == [8 * 24 - 14, 5, 2, 7]


@pytest.mark.parametrize(
    ("target", "expected"),
    [((3,), {0: 1, 1: 5}), ((1, 3), {0: 2, 1: 5}), ((1, 2, 3), {0: 2, 1: 4}), ((2,), {0: 1, 1: 4})],
)
def test_the_sample_with_most_target_of_each_case(
    target: tuple[int, ...], expected: dict[int, int]
) -> None:
    assert by_hand().most_of(target) == expected


def test_no_cases_make_an_empty_set() -> None:
    dataset = SliceDataset([], [array({}, 1)], array({}, 2, labels=True))

    assert len(dataset) == 0
    assert dataset.label_counts().tolist() == [0, 0, 0, 0]
    assert dataset.most_of((1,)) == {}
