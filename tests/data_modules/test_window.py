"""The window around the brain: where it lies, what batches have of it, and what is said."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from data_modules.brats import BraTSDataModule
from data_modules.cache.array_index import INDEX, read_index, write_index
from data_modules.dataset import SliceDataset
from data_modules.device_dataset import DeviceDataset
from data_modules.io.brain_box import Box, brain_box
from data_modules.utils.errors import DataError
from data_modules.window import Window, Windows, size_to_hold
from tests.data_modules.test_dataset import array, assert_same_batch, case
from tests.helpers.brats_modules import module, ready
from tests.helpers.toy import write_dataset, write_volume

HEAD = Box(3, 37, 3, 37)  # of the toy images, 34 of 40 pixels


@pytest.mark.parametrize(
    ("brain", "size", "expected"),
    [
        (Box(10, 30, 12, 20), (32, 16), (4, 8)),  # 6 rows and 4 columns on each side
        (Box(10, 31, 12, 20), (32, 16), (4, 8)),  # an odd difference: the pixel is at the end
        (Box(0, 20, 50, 60), (32, 16), (0, 44)),  # moved into the frame
        (Box(44, 60, 58, 60), (32, 16), (28, 44)),
        (Box(5, 55, 0, 60), (32, 16), (14, 22)),  # larger than the window: cut off on both sides
    ],
)
def test_a_window_is_centred_on_the_brain_as_far_as_the_frame_allows(
    brain: Box, size: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert Window.around(brain, size, (60, 60)) == (*expected, *size)


@pytest.mark.parametrize(
    ("brain", "expected"),
    [
        (Box(0, 32, 0, 16), (32, 16)),
        (Box(0, 33, 0, 16), (48, 16)),
        (Box(0, 10, 0, 17), (32, 32)),
        (Box(0, 57, 0, 1), (57, 16)),  # no more than the frame
    ],
)
def test_a_window_grows_by_16_until_it_holds_a_brain(brain: Box, expected: tuple[int, int]) -> None:
    assert size_to_hold([brain], (32, 16), (57, 60)) == expected
    assert size_to_hold([brain, Box(0, 1, 0, 1)], (32, 16), (57, 60)) == expected


def test_the_box_is_around_the_brain_of_all_slices_in_cropped_or_padded_ones() -> None:
    brain = np.zeros((3, 10, 8), bool)
    brain[0, 2, 3] = brain[2, 6, 5] = True

    assert brain_box(brain, (10, 8)) == (2, 7, 3, 6)
    assert brain_box(brain, (14, 8)) == (4, 9, 3, 6)  # two more rows above
    assert brain_box(brain, (6, 4)) == (0, 5, 1, 4)
    assert brain_box(brain[1:2], (10, 8)).size == (0, 0)  # no brain is left


def windowed() -> tuple[SliceDataset, np.ndarray, np.ndarray]:
    """Two cases of two slices each, and their images and labels as stored."""
    slices = {"a": [0, 1], "b": [4, 5]}
    images, labels = array(slices, 1), array(slices, 2, labels=True)
    windows = Windows([Box(1, 2, 0, 3), Box(2, 4, 4, 5)], [(2, 3), (3, 3)], (4, 6))
    dataset = SliceDataset([case("a"), case("b")], [images], labels, windows=windows)
    return dataset, images.values[1:], labels.values[1:]


def test_a_batch_is_what_numpy_cuts_out() -> None:
    dataset, images, labels = windowed()

    batch = dataset.gather([1, 0])
    np.testing.assert_array_equal(batch["image"][:, 0], images[[1, 0], 0:2, 0:3])
    np.testing.assert_array_equal(batch["labels"], labels[[1, 0], 0:2, 0:3])
    batch = dataset.gather([2])
    np.testing.assert_array_equal(batch["image"][0, 0], images[2, 1:4, 3:6])
    np.testing.assert_array_equal(batch["labels"][0], labels[2, 1:4, 3:6])


def test_a_batch_of_several_sizes_has_room_for_the_largest() -> None:
    dataset, images, _ = windowed()

    batch = dataset.gather([0, 3])

    np.testing.assert_array_equal(batch["image"][0, 0], images[0, 0:3, 0:3])
    np.testing.assert_array_equal(batch["image"][1, 0], images[3, 1:4, 3:6])


@pytest.mark.parametrize("indices", [[1, 0], [2, 3], [0, 3]])
def test_a_batch_on_a_device_is_cut_out_alike(indices: list[int]) -> None:
    dataset, *_ = windowed()
    on_device = DeviceDataset(dataset, torch.device("cpu"))

    assert_same_batch(on_device.gather(indices), dataset.gather(indices))


def test_masks_go_back_to_where_their_windows_were() -> None:
    dataset, _, labels = windowed()
    masks = np.zeros((2, 1, 4, 6), bool)
    masks[0, 0, :2, :3] = labels[1, 0:2, 0:3] == 1
    masks[1, 0, :3, :3] = labels[2, 1:4, 3:6] == 1

    expected = np.zeros((2, 1, 4, 6), bool)
    expected[0, 0, 0:2, 0:3] = labels[1, 0:2, 0:3] == 1
    expected[1, 0, 1:4, 3:6] = labels[2, 1:4, 3:6] == 1
    assert expected[0].any()
    assert expected[1].any()
    np.testing.assert_array_equal(dataset.in_frame(masks, [1, 2]), expected)


def test_labels_outside_the_windows_are_counted() -> None:
    dataset, _, labels = windowed()

    for sample, window in enumerate(
        [(slice(0, 2), slice(0, 3))] * 2 + [(slice(1, 4), slice(3, 6))] * 2
    ):
        outside = labels[sample].copy()
        outside[window] = 0
        counts = [int((outside == label).sum()) for label in (1, 2, 3)]
        assert dataset.labels_outside[sample].tolist() == [0, *counts]
    assert dataset.labels_outside.sum() > 0


@pytest.fixture(scope="module")
def padded(data: Path, cache: Path) -> dict[str, Any]:
    """The toy images, padded to 64 x 64: the head is 12 pixels further from the corner."""
    return {"root": data, "cache": cache, "image_size": (64, 64), "split_sizes": [4, 1, 1]}


def test_auto_holds_all_training_brains(
    padded: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    one, whole = ready(**padded, window="auto"), ready(**padded)

    assert one.window.size == (48, 48)  # of heads of 34 x 34
    assert "data.window is auto: 48 x 48, which holds all brains of split train" in caplog.text
    (brain, *_) = one.window.by_split["train"].brains
    assert brain == tuple(edge + 12 for edge in HEAD)
    batch, full = one.datasets["train"].gather([0, 3]), whole.datasets["train"].gather([0, 3])
    assert torch.equal(batch["image"], full["image"][..., 8:56, 8:56])
    assert torch.equal(batch["labels"], full["labels"][:, 8:56, 8:56])


def test_a_window_changes_no_array_and_no_fingerprint(padded: dict[str, Any]) -> None:
    one, whole = ready(**padded, window=(48, 48)), ready(**padded)

    assert [a.name for a in one.arrays["train"]] == [a.name for a in whole.arrays["train"]]
    assert one.fingerprint == whole.fingerprint


def test_training_cuts_a_brain_off_and_a_test_does_not(
    padded: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    one = ready(**padded, window=(32, 48))

    assert next(iter(one.train_dataloader()))["image"].shape[2:] == (32, 48)
    assert next(iter(one.val_dataloader()))["image"].shape[2:] == (48, 48)
    assert next(iter(one.test_dataloader()))["image"].shape[2:] == (48, 48)
    messages = [record.getMessage() for record in caplog.records]
    assert (
        "Data: brains of split train that do not fit data.window 32 x 48 and are cut off: 4 of 4 "
        in messages[0]
    )
    assert "split val that do not fit data.window 32 x 48 and get a larger window: 1" in messages[1]
    assert "brain 34 x 34, window 48 x 48" in messages[1]


def test_a_brain_in_slices_that_are_not_cached_and_in_any_modality_counts(tmp_path: Path) -> None:
    root = write_dataset(tmp_path / "data", 6)
    path = root / "BraTS-GLI-00000-000" / "BraTS-GLI-00000-000-t2f.nii.gz"
    voxels = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
    voxels[0, 20, 1] = 100  # the middle slice is 2
    write_volume(path, voxels)
    options: dict[str, Any] = {"split_file": None, "window": (32, 32), "split_sizes": [4, 1, 1]}

    one = ready(root, tmp_path / "cache", modalities=["t1c", "t2f"], **options)

    brains = {
        case.id: brain
        for split, windows in one.window.by_split.items()
        for case, brain in zip(one.splits[split], windows.brains, strict=True)
    }
    assert brains.pop("BraTS-GLI-00000-000") == HEAD._replace(left=1)
    assert set(brains.values()) == {HEAD}


def test_arrays_of_earlier_versions_are_prepared_again_only_for_a_window(
    data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    first = ready(data, tmp_path)
    (image, _) = folders = [tmp_path / opened.name for opened in first.arrays["train"]]
    index = read_index(image / INDEX)
    for entry in index["cases"].values():
        del entry["brain"]
    write_index(image / INDEX, index)
    before = [(folder / "array.npy").stat().st_ino for folder in folders]

    assert ready(data, tmp_path).fingerprint == first.fingerprint
    assert [(folder / "array.npy").stat().st_ino for folder in folders] == before

    assert ready(data, tmp_path, window=(32, 32)).fingerprint == first.fingerprint
    assert (image / "array.npy").stat().st_ino != before[0]
    assert (folders[1] / "array.npy").stat().st_ino == before[1]  # labels need no box
    assert "an earlier version did not keep where each brain lies" in caplog.text


@pytest.mark.parametrize("window", [(24, 32), (0, 32), (48, 32), (32, -16)])
def test_a_window_that_cannot_be_is_refused(
    window: tuple[int, int], data: Path, cache: Path
) -> None:
    with pytest.raises(DataError, match=r"data.window is \[.*multiples of 16 and at most .*40, 40"):
        module(data, cache, window=window)


def test_auto_needs_a_training_case(data: Path, cache: Path) -> None:
    one = module(data, cache, window="auto", split_sizes="all-test")
    with pytest.raises(DataError, match=r"data.window is auto, but there is no training case"):
        one.setup("test")


def test_without_a_window_nothing_is_cut(data: Path, cache: Path) -> None:
    one: BraTSDataModule = ready(data, cache)

    assert one.window.input_size == (40, 40)
    assert one.datasets["val"].windows is None
    assert next(iter(one.train_dataloader()))["image"].shape[2:] == (40, 40)
