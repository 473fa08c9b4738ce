from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, default_collate

from data_modules.batch_dataset import Batch
from data_modules.cache.memmap import MappedFile, SliceArray
from data_modules.catalog.cases import Case
from data_modules.catalog.releases import RELEASES
from data_modules.dataset import SliceDataset

SIZE = (4, 6)


def case(name: str) -> Case:
    return Case(name, name, Path(name), RELEASES[0], {}, None)


def array(slices: Mapping[str, list[int]], seed: int, *, labels: bool = False) -> SliceArray:
    """Random slices, no two alike, as the cache stores them: row 0 is blank."""
    rng = np.random.default_rng(seed)
    shape = (1 + sum(map(len, slices.values())), *SIZE)
    values: NDArray[Any] = rng.normal(size=shape).astype(np.float16)
    if labels:
        values = rng.integers(0, 4, shape).astype(np.uint8)
    values[0] = 0
    return mapped(slices, values)


def mapped(slices: Mapping[str, list[int]], values: NDArray[Any]) -> SliceArray:
    first = np.cumsum([1, *map(len, slices.values())]).tolist()
    with TemporaryDirectory() as folder:  # a mapped file outlives its name
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
        digests={},
        stored={},
        brains={},
        bad={},
        warnings=[],
    )


def many(samples: int = 40) -> SliceDataset:
    """One case with many slices."""
    slices = {"a": list(range(samples))}
    return SliceDataset([case("a")], [array(slices, 1)], array(slices, 2, labels=True))


def assert_same_batch(batch: Batch, expected: Batch) -> None:
    assert batch.keys() == expected.keys()
    for name, values in batch.items():
        assert values.dtype == expected[name].dtype, name
        assert torch.equal(values, expected[name]), name


def test_slices_that_any_array_holds_are_used_and_line_up() -> None:
    t1c = array({"a": [1, 2], "b": [0]}, 1)
    t2f = array({"a": [2, 3], "b": []}, 2)
    labels = array({"a": [3, 5], "b": [0, 1]}, 3, labels=True)

    dataset = SliceDataset([case("a"), case("b")], [t1c, t2f], labels)
    batch = dataset.gather(range(6))

    assert dataset.case_index.tolist() == [0, 0, 0, 0, 1, 1]
    assert dataset.slice_index.tolist() == [1, 2, 3, 5, 0, 1]
    rows = {"t1c": [1, 2, 0, 0, 3, 0], "t2f": [0, 1, 2, 0, 0, 0], "labels": [0, 0, 1, 2, 3, 4]}
    np.testing.assert_array_equal(batch["image"][:, 0], t1c.values[rows["t1c"]])
    np.testing.assert_array_equal(batch["image"][:, 1], t2f.values[rows["t2f"]])
    np.testing.assert_array_equal(batch["labels"], labels.values[rows["labels"]])


def test_whole_volumes_have_blank_slices_that_are_no_samples() -> None:
    slices: dict[str, list[int]] = {"a": [1, 2], "b": [], "c": [0]}
    sizes = {"a": (6, 4, 4), "b": (6, 4, 2), "c": (6, 4, 1)}
    labels = replace(array({"a": [2, 3], "b": [], "c": []}, 3, labels=True), sizes=sizes)
    cases, images = [case(name) for name in slices], [array(slices, 1)]

    chosen = SliceDataset(cases, images, labels)
    whole = SliceDataset(cases, images, labels, whole_volumes=True)

    assert (len(chosen), chosen.counted) == (4, 4)
    assert (len(whole), whole.counted) == (4, 4 + 2 + 1)
    assert whole.slice_index.tolist() == [1, 2, 3, 0]
    assert [part.tolist() for part in whole.blank] == [[0], [0, 1], []]
    assert chosen.cases_of(np.array([0])).tolist() == [0]
    assert whole.cases_of(np.array([0])).tolist() == [0, 1]  # b has no slice to wait for


def test_cases_keep_the_order_given_whatever_the_order_of_the_arrays() -> None:
    slices = {"a": [0], "b": [0], "c": [0]}
    images, labels = array(slices, 1), array(slices, 2, labels=True)

    batch = SliceDataset([case("c"), case("a")], [images], labels).gather([0, 1])

    np.testing.assert_array_equal(batch["image"][:, 0], images.values[[3, 1]])
    np.testing.assert_array_equal(batch["labels"], labels.values[[3, 1]])


def test_a_batch_has_images_labels_and_sample_indices() -> None:
    batch = many().gather([5, 3, 5])

    assert (batch["image"].dtype, batch["image"].shape) == (torch.float32, (3, 1, *SIZE))
    assert (batch["labels"].dtype, batch["labels"].shape) == (torch.uint8, (3, *SIZE))
    assert (batch["sample"].dtype, batch["sample"].tolist()) == (torch.int64, [5, 3, 5])
    assert set(batch) == {"image", "labels", "sample"}


def test_an_index_gives_one_sample() -> None:
    sample = many()[9]

    assert (sample["image"].dtype, sample["image"].shape) == (torch.float32, (1, *SIZE))
    assert (sample["labels"].dtype, sample["labels"].shape) == (torch.uint8, SIZE)
    assert (sample["sample"].dtype, sample["sample"].shape) == (torch.int64, ())
    assert sample["sample"] == 9


@pytest.mark.parametrize("index", [39, -1, np.int64(39), np.int32(-1), torch.tensor(39)])
def test_an_index_may_be_negative_and_of_any_integer_type(index: Any) -> None:
    dataset = many(40)

    assert_same_batch(dataset[index], dataset[39])
    assert dataset[index]["sample"] == 39


@pytest.mark.parametrize("index", [40, -41, np.int64(40)])
def test_an_index_out_of_range_is_an_index_error(index: Any) -> None:
    with pytest.raises(IndexError, match=r"out of range for 40 samples"):
        many(40)[index]
    with pytest.raises(IndexError):
        many(40).__getitems__([0, index])


def test_a_dataset_can_be_iterated() -> None:
    assert [int(sample["sample"]) for sample in many(5)] == [0, 1, 2, 3, 4]  # type: ignore[attr-defined]


def test_an_index_that_is_no_integer_is_a_type_error() -> None:
    with pytest.raises(TypeError):
        many()[0, 3]  # type: ignore[index]


def test_samples_collate_to_the_batch() -> None:
    dataset, indices = many(), [9, 0, 33, 4, 10, 9]

    batch = dataset.gather(indices)

    assert_same_batch(default_collate([dataset[index] for index in indices]), batch)
    assert_same_batch(default_collate(dataset.__getitems__(indices)), batch)


@pytest.mark.filterwarnings("ignore:This DataLoader will create 2 worker processes")
@pytest.mark.parametrize("workers", [0, 2])
def test_a_plain_dataloader_works(workers: int) -> None:
    dataset = many(5)

    batches = list(DataLoader(dataset, batch_size=2, num_workers=workers))

    for batch, indices in zip(batches, [[0, 1], [2, 3], [4]], strict=True):
        assert_same_batch(batch, dataset.gather(indices))


@pytest.mark.filterwarnings("ignore:This DataLoader will create 2 worker processes")
@pytest.mark.parametrize("workers", [0, 2])
def test_a_plain_dataloader_shuffles(workers: int) -> None:
    dataset = many(20)
    generator = torch.Generator().manual_seed(1)

    loader = DataLoader(
        dataset, batch_size=4, shuffle=True, num_workers=workers, generator=generator
    )
    batches = list(loader)

    order = [index for batch in batches for index in batch["sample"].tolist()]
    assert sorted(order) == list(range(20))
    assert order != sorted(order)
    for batch in batches:
        assert_same_batch(batch, dataset.gather(batch["sample"].tolist()))


def test_writing_to_a_batch_leaves_the_arrays_as_they_were() -> None:
    slices = {"a": list(range(8))}
    images, labels = array(slices, 1), array(slices, 2, labels=True)
    before = images.values.copy(), labels.values.copy()

    batch = SliceDataset([case("a")], [images], labels).gather(range(8))
    batch["image"].zero_()
    batch["labels"].zero_()

    np.testing.assert_array_equal(images.values, before[0])
    np.testing.assert_array_equal(labels.values, before[1])


def two_cases() -> SliceDataset:
    """Slices of "a" have 1, 3 and 3 pixels of label 3; slices of "b" have none."""
    slices = {"a": [0, 1, 2], "b": [0, 1, 2, 3, 4]}
    labels = np.zeros((9, *SIZE), np.uint8)
    labels[1, 0, :1] = 3
    labels[2, 0, :3] = 3
    labels[3, 0, :3] = 3
    labels[3, 1, :5] = 1
    labels[5, 2, :2] = 2
    return SliceDataset([case("a"), case("b")], [array(slices, 1)], mapped(slices, labels))


def test_labels_are_counted_over_all_samples() -> None:
    assert two_cases().label_counts().tolist() == [8 * 24 - 14, 5, 2, 7]


@pytest.mark.parametrize(
    ("target", "expected"),
    [((3,), {0: 1, 1: 5}), ((1, 3), {0: 2, 1: 5}), ((1, 2, 3), {0: 2, 1: 4}), ((2,), {0: 1, 1: 4})],
)
def test_the_sample_with_most_target_of_each_case(
    target: tuple[int, ...], expected: dict[int, int]
) -> None:
    assert two_cases().most_of(target) == expected


def test_no_cases_make_an_empty_dataset() -> None:
    dataset = SliceDataset([], [array({}, 1)], array({}, 2, labels=True))

    assert len(dataset) == 0
    assert dataset.label_counts().tolist() == [0, 0, 0, 0]
    assert dataset.most_of((1,)) == {}
