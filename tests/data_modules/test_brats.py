import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from data_modules.catalog.splits import SPLITS
from data_modules.summary import description, split_rows, summary
from data_modules.utils.errors import DataError
from tests.helpers.brats_modules import file_of, ids, module, number_of, ready, split_file
from tests.helpers.toy import BRATS_2021, toy_labels, write_case, write_dataset, write_volume


def test_files_become_batches_with_the_labels_and_images_of_their_cases(
    data: Path, cache: Path
) -> None:
    one = ready(data, cache, split_sizes=(2, 2, 2))

    for side, loader in (("val", one.val_dataloader()), ("test", one.test_dataloader())):
        (batch,) = loader
        for sample, case in enumerate(ids(one, side)):
            number = number_of(case)
            np.testing.assert_array_equal(batch["labels"][sample], toy_labels(number)[2])
            voxels = sitk.GetArrayFromImage(sitk.ReadImage(str(file_of(data, number, "t1c"))))
            brain = voxels != 0
            scored = np.where(brain, (voxels - voxels[brain].mean()) / voxels[brain].std(), 0)[2]
            np.testing.assert_allclose(batch["image"][sample, 0], scored, atol=2e-3)
    assert sorted(ids(one, "train") + ids(one, "val") + ids(one, "test")) == [
        f"BraTS-GLI-{number:05d}-000" for number in range(6)
    ]


def test_modalities_become_channels_in_the_order_asked_for(data: Path, cache: Path) -> None:
    single = {
        modality: next(iter(ready(data, cache, modalities=[modality]).val_dataloader()))
        for modality in ("t1n", "t2f")
    }

    both = next(iter(ready(data, cache, modalities=["t2f", "t1n"]).val_dataloader()))

    assert both["image"].shape[1] == 2
    assert torch.equal(both["image"][:, 0], single["t2f"]["image"][:, 0])
    assert torch.equal(both["image"][:, 1], single["t1n"]["image"][:, 0])
    assert not torch.equal(both["image"][:, 0], both["image"][:, 1])


def test_no_modality_is_none_at_all(data: Path, cache: Path) -> None:
    with pytest.raises(DataError, match="expected at least one modality"):
        module(data, cache, modalities=[])


def test_all_takes_the_slices_with_brain_and_those_with_labels(tmp_path: Path) -> None:
    def blank(modality: str, slices: list[int]) -> None:
        for number in range(3):
            path = file_of(root, number, modality)
            voxels = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
            voxels[slices] = 0
            write_volume(path, voxels)

    root = write_dataset(tmp_path / "data", 3, depth=7)
    blank("t1c", [0, 1, 4, 5, 6])  # brain in 2 and 3
    blank("t2f", [0, 1, 2, 5, 6])  # brain in 3 and 4
    blank("seg", [0, 1, 2, 3, 4, 6])  # label in 5

    one = ready(root, tmp_path / "cache", modalities=["t1c", "t2f"], slices="all", split_sizes=None)

    (batch,) = one.val_dataloader()
    assert one.datasets["val"].slice_index.tolist() == [2, 3, 4, 5]
    assert batch["image"].flatten(2).any(dim=2).tolist() == [
        [True, False],
        [True, True],
        [False, True],
        [False, False],
    ]
    assert batch["labels"].flatten(1).any(dim=1).tolist() == [False, False, False, True]
    assert [part.tolist() for part in one.datasets["val"].blank] == [[0, 1, 6]]
    assert [part.tolist() for part in one.datasets["train"].blank] == [[]]


def test_evaluation_may_take_other_slices_than_training(data: Path, cache: Path) -> None:
    one = ready(data, cache, slices="largest", eval_slices="all", split_sizes=(2, 2, 2))

    assert one.datasets["train"].slice_index.tolist() == [1, 1]
    for side in ("val", "test"):
        assert one.datasets[side].slice_index.tolist() == [0, 1, 2, 3] * 2
    assert description(one)["slices"] == "largest"
    assert description(one)["eval_slices"] == "all"


def test_evaluation_takes_the_slices_of_training_unless_told_otherwise(
    data: Path, cache: Path
) -> None:
    one = ready(data, cache, slices=[1, 3])

    assert {tuple(np.unique(one.datasets[side].slice_index)) for side in SPLITS} == {(1, 3)}
    assert description(one)["eval_slices"] == [1, 3]


def test_a_slice_outside_the_volumes_stops(data: Path, cache: Path) -> None:
    with pytest.raises(DataError, match="names slice 4, counted from 0: the volume has 4 slices"):
        ready(data, cache, slices=[4])


def test_a_split_file_decides(data: Path, cache: Path, tmp_path: Path) -> None:
    path = split_file(tmp_path / "split.csv", [5, 0], [3], [1])

    one = ready(data, cache, split_file=path, split_sizes=(1, 1, 1))

    assert split_rows(one) == [
        ("BraTS-GLI-00000-000", "BraTS-GLI-00000", "train"),
        ("BraTS-GLI-00001-000", "BraTS-GLI-00001", "test"),
        ("BraTS-GLI-00003-000", "BraTS-GLI-00003", "val"),
        ("BraTS-GLI-00005-000", "BraTS-GLI-00005", "train"),
    ]


def test_split_and_training_have_seeds_of_their_own(data: Path, cache: Path) -> None:
    splits = [split_rows(ready(data, cache, seed=seed)) for seed in range(4)]
    others = [split_rows(ready(data, cache, split_seed=seed)) for seed in range(4)]

    assert all(split == splits[0] for split in splits)
    assert any(other != splits[0] for other in others)


def test_scans_of_one_patient_are_on_one_side(tmp_path: Path) -> None:
    for number in range(3):
        for scan in range(2):
            write_case(tmp_path / "data", f"BraTS-GLI-{number:05d}-{scan:03d}", seed=number)

    for seed in range(4):
        one = ready(tmp_path / "data", tmp_path / "cache", split_seed=seed)
        rows = split_rows(one)
        assert len(rows) == 6
        assert len({(patient, side) for _, patient, side in rows}) == 3


def test_a_root_above_the_release_works(data: Path, cache: Path) -> None:
    assert split_rows(ready(data.parent, cache)) == split_rows(ready(data, cache))


def test_the_fingerprint_is_that_of_the_voxels(data: Path, cache: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(data, tmp_path / "moved")
    here = ready(data, cache).fingerprint

    assert here
    assert ready(data, tmp_path / "cache").fingerprint == here
    assert ready(moved, cache).fingerprint == here
    assert ready(data, cache, split_seed=1).fingerprint == here
    for what in ("t1c", "seg"):
        voxels = sitk.GetArrayFromImage(sitk.ReadImage(str(file_of(moved, 4, what))))
        voxels[2, 20, 20] = 1 if what == "seg" and voxels[2, 20, 20] != 1 else 3
        write_volume(file_of(moved, 4, what), voxels)
        changed = ready(moved, tmp_path / what).fingerprint
        assert changed != here
        here = changed


@pytest.mark.parametrize(
    "options",
    [{"slices": [1]}, {"image_size": (48, 40)}, {"modalities": ["t2f"]}],
    ids=["slices", "image_size", "modalities"],
)
def test_the_fingerprint_tells_what_was_made_of_the_files(
    data: Path, cache: Path, options: dict[str, Any]
) -> None:
    assert ready(data, cache, **options).fingerprint != ready(data, cache).fingerprint


def test_pixels_lost_by_cropping_are_said(
    data: Path, cache: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    split = split_file(tmp_path / "split.csv", [0, 1, 2, 3], [4], [5])
    middle = [toy_labels(number)[2] for number in range(6)]
    lost = [int((m > 0).sum() - (m[10:30, 10:30] > 0).sum()) for m in middle]
    assert any(lost)

    ready(data, cache, image_size=(20, 20), split_file=split)

    (said,) = [r.getMessage() for r in caplog.records if "cropping to" in r.getMessage()]
    assert said.startswith(f"Cases to look at: {sum(count > 0 for count in lost)} (")
    first = next(number for number in range(6) if lost[number])
    assert (
        f"{first:05d}-000-seg.nii.gz: cropping to 20 x 20 loses {lost[first]} labelled pixels"
        in said
    )


def test_padding_loses_nothing_and_says_nothing(
    data: Path, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    (batch,) = ready(data, cache, image_size=(48, 64)).test_dataloader()

    assert batch["image"].shape[2:] == batch["labels"].shape[1:] == (48, 64)
    assert "cropping" not in caplog.text


def test_setup_alone_will_do(data: Path, cache: Path) -> None:
    one = module(data, cache)

    one.setup("test")

    assert [len(one.datasets[side]) for side in SPLITS] == [4, 1, 1]


def test_labels_of_2021_are_translated(tmp_path: Path) -> None:
    for number in range(3):
        name = f"BraTS2021_{number:05d}"
        write_case(tmp_path / "data", name, seed=number, names=BRATS_2021, values=(1, 2, 4))

    one = ready(tmp_path / "data", tmp_path / "cache", target="enhancing")

    (batch,) = one.val_dataloader()
    number = int(ids(one, "val")[0][-5:])
    np.testing.assert_array_equal(batch["labels"][0], toy_labels(number)[2])
    assert "brats2021" in summary(one)
