import json
import logging
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from lightning.pytorch import Trainer

from data_modules.brats import BraTSDataModule
from data_modules.dataset import Batch, SliceDataset
from data_modules.device_dataset import DeviceDataset
from data_modules.utils.errors import DataError
from tests.helpers.toy import BRATS_2021, toy_labels, write_case, write_dataset, write_volume

SIDES = ("train", "val", "test")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six cases that no test changes."""
    return write_dataset(tmp_path_factory.mktemp("data") / "release", 6)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def module(root: Path, cache: Path, **options: Any) -> BraTSDataModule:
    return BraTSDataModule(root=root, cache_dir=cache, **{"image_size": (40, 40), **options})


def ready(root: Path, cache: Path, **options: Any) -> BraTSDataModule:
    one = module(root, cache, **options)
    one.prepare_data()
    one.setup("fit")
    return one


def file_of(root: Path, number: int, what: str) -> Path:
    case = f"BraTS-GLI-{number:05d}-000"
    return root / case / f"{case}-{what}.nii.gz"


def ids(one: BraTSDataModule, side: str) -> list[str]:
    return [case.id for case in one.sides[side]]


def number_of(case: str) -> int:
    return int(case.split("-")[2])


def check_same_batches(ones: list[Batch], others: list[Batch]) -> None:
    assert len(ones) == len(others)
    for one, other in zip(ones, others, strict=True):
        assert set(one) == set(other)
        assert all(torch.equal(one[key], other[key]) for key in one)


def split_file(path: Path, train: list[int], val: list[int], test: list[int]) -> Path:
    rows = [
        f"BraTS-GLI-{number:05d}-000,{side}"
        for side, numbers in zip(SIDES, (train, val, test), strict=True)
        for number in numbers
    ]
    path.write_text("\n".join(["case,side", *rows]))
    return path


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


def test_slices_lie_on_the_device_only_where_there_is_one_to_train_on(
    data: Path, cache: Path
) -> None:
    one = ready(data, cache, split_sizes=(2, 2, 2), on_device=True)
    (alone,) = one.val_dataloader()
    assert isinstance(one.val_dataloader().dataset, SliceDataset)  # nothing is copied

    one.trainer = Trainer(accelerator="cpu", logger=False)
    (resident,) = one.val_dataloader()
    assert isinstance(one.val_dataloader().dataset, DeviceDataset)
    check_same_batches([alone], [resident])


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


def test_training_visits_every_sample_once_an_epoch_in_another_order(
    data: Path, cache: Path
) -> None:
    one = ready(data, cache, slices="all", batch_size=8)
    loader = one.train_dataloader()

    epochs = [[int(s) for batch in loader for s in batch["sample"]] for _ in range(2)]

    samples = list(range(len(one.datasets["train"])))
    assert len(samples) == 4 * 4
    assert sorted(epochs[0]) == sorted(epochs[1]) == samples
    assert epochs[0] != epochs[1]


@pytest.mark.filterwarnings("ignore:This DataLoader will create 2 worker processes")
def test_two_workers_give_the_same_batches_as_none(data: Path, cache: Path) -> None:
    options = {"slices": "all", "flip": True, "seed": 5, "batch_size": 8}
    alone = ready(data, cache, num_workers=0, **options).train_dataloader()
    helped = ready(data, cache, num_workers=2, **options).train_dataloader()

    for _ in range(2):
        check_same_batches(list(alone), list(helped))


def test_batches_depend_on_the_seed_and_not_on_torchs_own(data: Path, cache: Path) -> None:
    options = {"slices": "all", "flip": True, "batch_size": 8}
    torch.manual_seed(1)
    first = list(ready(data, cache, seed=5, **options).train_dataloader())
    torch.manual_seed(2)
    again = list(ready(data, cache, seed=5, **options).train_dataloader())
    other = list(ready(data, cache, seed=6, **options).train_dataloader())

    check_same_batches(first, again)
    assert [b["sample"].tolist() for b in first] != [b["sample"].tolist() for b in other]


def test_looking_at_data_draws_nothing_from_torchs_generator(data: Path, cache: Path) -> None:
    one = ready(data, cache)
    before = torch.get_rng_state()

    list(one.train_dataloader())
    list(one.val_dataloader())

    assert torch.equal(torch.get_rng_state(), before)


def test_only_training_slices_are_mirrored(data: Path, cache: Path) -> None:
    plain, mirrored = (ready(data, cache, slices="all", flip=flip) for flip in (False, True))

    check_same_batches(list(plain.val_dataloader()), list(mirrored.val_dataloader()))
    check_same_batches(list(plain.test_dataloader()), list(mirrored.test_dataloader()))
    (one,), (other,) = plain.train_dataloader(), mirrored.train_dataloader()
    assert torch.equal(one["sample"], other["sample"])
    assert not torch.equal(one["labels"], other["labels"])
    assert torch.equal(one["labels"].sum(dim=(1, 2)), other["labels"].sum(dim=(1, 2)))


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


def test_evaluation_may_take_other_slices_than_training(data: Path, cache: Path) -> None:
    one = ready(data, cache, slices="largest", eval_slices="all", split_sizes=(2, 2, 2))

    assert one.datasets["train"].slice_index.tolist() == [1, 1]
    for side in ("val", "test"):
        assert one.datasets[side].slice_index.tolist() == [0, 1, 2, 3] * 2
    assert one.description()["slices"] == "largest"
    assert one.description()["eval_slices"] == "all"


def test_evaluation_takes_the_slices_of_training_unless_told_otherwise(
    data: Path, cache: Path
) -> None:
    one = ready(data, cache, slices=[1, 3])

    assert {tuple(np.unique(one.datasets[side].slice_index)) for side in SIDES} == {(1, 3)}
    assert one.description()["eval_slices"] == [1, 3]


def test_a_slice_outside_the_volumes_stops(data: Path, cache: Path) -> None:
    with pytest.raises(DataError, match="names slice 4, the volume has slices 0 to 3"):
        ready(data, cache, slices=[4])


def test_a_split_file_decides(data: Path, cache: Path, tmp_path: Path) -> None:
    path = split_file(tmp_path / "split.csv", [5, 0], [3], [1])

    one = ready(data, cache, split_file=path, split_sizes=(1, 1, 1))

    assert one.split_rows() == [
        ("BraTS-GLI-00000-000", "BraTS-GLI-00000", "train"),
        ("BraTS-GLI-00001-000", "BraTS-GLI-00001", "test"),
        ("BraTS-GLI-00003-000", "BraTS-GLI-00003", "val"),
        ("BraTS-GLI-00005-000", "BraTS-GLI-00005", "train"),
    ]


def test_split_and_training_have_seeds_of_their_own(data: Path, cache: Path) -> None:
    splits = [ready(data, cache, seed=seed).split_rows() for seed in range(4)]
    others = [ready(data, cache, split_seed=seed).split_rows() for seed in range(4)]

    assert all(split == splits[0] for split in splits)
    assert any(other != splits[0] for other in others)


def test_scans_of_one_patient_are_on_one_side(tmp_path: Path) -> None:
    for number in range(3):
        for scan in range(2):
            write_case(tmp_path / "data", f"BraTS-GLI-{number:05d}-{scan:03d}", seed=number)

    for seed in range(4):
        one = ready(tmp_path / "data", tmp_path / "cache", split_seed=seed)
        rows = one.split_rows()
        assert len(rows) == 6
        assert len({(patient, side) for _, patient, side in rows}) == 3


def damage_missing_modality(root: Path) -> None:
    file_of(root, 1, "t1c").unlink()


def damage_missing_segmentation(root: Path) -> None:
    file_of(root, 1, "seg").unlink()


def damage_image(root: Path) -> None:
    file_of(root, 1, "t1c").write_bytes(b"no image")


def damage_segmentation(root: Path) -> None:
    file_of(root, 1, "seg").write_bytes(b"no image")


def damage_labels(root: Path) -> None:
    write_volume(file_of(root, 1, "seg"), np.full((4, 40, 40), 4, np.uint8))


def damage_grid(root: Path) -> None:
    write_volume(file_of(root, 1, "seg"), toy_labels(1), spacing=(1, 1, 3))


def damage_depth(root: Path) -> None:
    write_volume(file_of(root, 1, "seg"), toy_labels(1, depth=5))


def damage_link(root: Path) -> None:
    file_of(root, 1, "t1c").unlink()
    file_of(root, 1, "t1c").symlink_to("not-fetched-yet.nii.gz")


def damage_linked_segmentation(root: Path) -> None:
    file_of(root, 1, "seg").unlink()
    file_of(root, 1, "seg").symlink_to("not-fetched-yet.nii.gz")


DAMAGES = {
    damage_missing_modality: "has no t1c image, only t1n, t2w, t2f",
    damage_missing_segmentation: "has no segmentation",
    damage_image: "-t1c.nii.gz: is not packed by gzip",
    damage_segmentation: "-seg.nii.gz: is not packed by gzip",
    damage_labels: "label 4 (6400 voxels)",
    damage_grid: "spacing",
    damage_depth: "size",
    damage_link: "-t1c.nii.gz",
    damage_linked_segmentation: "-seg.nii.gz",
}


@pytest.mark.parametrize("slices", ["middle", "largest"])
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_bad_case_stops(tmp_path: Path, damage: Any, slices: str) -> None:
    root = write_dataset(tmp_path / "data", 5)
    damage(root)

    with pytest.raises(DataError) as caught:
        ready(root, tmp_path / "cache", slices=slices)

    message = str(caught.value)
    assert "bad cases: 1 (BraTS-GLI-00001-000: " in message
    assert DAMAGES[damage] in message
    assert "--data.on_bad_case skip" in message
    assert "\n" not in message


@pytest.mark.parametrize("slices", ["middle", "largest"])
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_bad_case_is_skipped_where_that_was_asked_for(
    tmp_path: Path,
    damage: Any,
    slices: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    root = write_dataset(tmp_path / "data", 5)
    damage(root)

    # A split of which no side depends on the bad case
    one = ready(root, tmp_path / "cache", slices=slices, on_bad_case="skip", split_seed=2)

    assert list(one.left_out) == ["BraTS-GLI-00001-000"]
    assert DAMAGES[damage] in one.left_out["BraTS-GLI-00001-000"]
    assert one.description()["left_out"] == one.left_out
    assert [number_of(row[0]) for row in one.split_rows()] == [0, 2, 3, 4]
    assert "Bad cases left out: 1 (BraTS-GLI-00001-000" in caplog.text
    for side, loader in (("val", one.val_dataloader()), ("test", one.test_dataloader())):
        (batch,) = loader
        for sample, case in enumerate(ids(one, side)):
            truth = toy_labels(number_of(case))[one.datasets[side].slice_index[sample]]
            np.testing.assert_array_equal(batch["labels"][sample], truth)


def test_a_damaged_modality_that_was_not_asked_for_does_no_harm(tmp_path: Path) -> None:
    root = write_dataset(tmp_path / "data", 5)
    damage_image(root)
    file_of(root, 2, "t1n").unlink()

    assert ready(root, tmp_path / "cache", modalities=["t2f"]).left_out == {}


def test_of_many_bad_cases_three_are_named(tmp_path: Path) -> None:
    root = write_dataset(tmp_path / "data", 6)
    for number in range(5):
        file_of(root, number, "t1c").unlink()

    with pytest.raises(
        DataError, match=r"bad cases: 5 \(.*00000.*00001.*00002.*; and 2 more"
    ) as one:
        ready(root, tmp_path / "cache")

    assert "00003" not in str(one.value)


@pytest.mark.parametrize("on_bad_case", ["stop", "skip"])
def test_nothing_but_bad_cases_stops_in_words(tmp_path: Path, on_bad_case: str) -> None:
    root = write_dataset(tmp_path / "data", 4)
    for number in range(4):
        file_of(root, number, "t1c").write_bytes(b"no image")

    with pytest.raises(DataError):
        ready(root, tmp_path / "cache", on_bad_case=on_bad_case)


def test_a_case_that_was_mended_is_used_again(tmp_path: Path) -> None:
    root = write_dataset(tmp_path / "data", 5)
    good = file_of(root, 1, "t1c").read_bytes()
    damage_image(root)
    with pytest.raises(DataError):
        ready(root, tmp_path / "cache")

    file_of(root, 1, "t1c").write_bytes(good)

    assert ready(root, tmp_path / "cache").left_out == {}


def test_a_validation_side_without_target_stops_training_in_words(
    tmp_path: Path,
) -> None:
    root = write_dataset(tmp_path / "data", 3)
    write_volume(file_of(root, 1, "seg"), np.full((4, 40, 40), 2, np.uint8))  # oedema alone
    split = split_file(tmp_path / "split.csv", [0], [1], [2])
    one = module(root, tmp_path / "cache", split_file=split, target="core")
    one.prepare_data()

    with pytest.raises(
        DataError, match=r"the 1 slices of the validation side hold no pixel of"
    ) as e:
        one.setup("fit")

    assert "'core'" in str(e.value)
    one.setup("test")
    ready(root, tmp_path / "cache", split_file=split, target="whole")


def test_a_side_without_a_slice_stops(tmp_path: Path) -> None:
    root = write_dataset(tmp_path / "data", 3)
    write_volume(file_of(root, 1, "seg"), np.zeros((4, 40, 40), np.uint8))
    split = split_file(tmp_path / "split.csv", [0], [1], [2])

    with pytest.raises(DataError, match=r"no slice on side val: 1 cases, data\.slices tumour"):
        ready(root, tmp_path / "cache", split_file=split, slices="tumour")


def test_a_root_that_is_not_there_stops(cache: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not a folder"):
        ready(tmp_path / "absent", cache)


def test_a_root_that_is_a_single_case_is_answered_with_the_folder_above(
    data: Path, cache: Path
) -> None:
    above = re.escape(str(data))

    with pytest.raises(DataError, match=rf"is a single case, expected the folder above.*'{above}'"):
        ready(data / "BraTS-GLI-00000-000", cache)


def test_a_root_above_the_release_works(data: Path, cache: Path) -> None:
    assert ready(data.parent, cache).split_rows() == ready(data, cache).split_rows()


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

    (said,) = [r.getMessage() for r in caplog.records if "by cropping" in r.getMessage()]
    assert said.startswith(f"Cases to look at: {sum(count > 0 for count in lost)} (")
    first = next(number for number in range(6) if lost[number])
    assert f"{first:05d}-000-seg.nii.gz: {lost[first]} labelled pixels" in said


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

    assert [len(one.datasets[side]) for side in SIDES] == [4, 1, 1]


def test_labels_of_2021_are_translated(tmp_path: Path) -> None:
    for number in range(3):
        name = f"BraTS2021_{number:05d}"
        write_case(tmp_path / "data", name, seed=number, names=BRATS_2021, values=(1, 2, 4))

    one = ready(tmp_path / "data", tmp_path / "cache", target="enhancing")

    (batch,) = one.val_dataloader()
    number = int(ids(one, "val")[0][-5:])
    np.testing.assert_array_equal(batch["labels"][0], toy_labels(number)[2])
    assert "brats2021" in one.summary()


def test_what_is_recorded_is_json_and_tells_splits_apart(data: Path, cache: Path) -> None:
    ones = [ready(data, cache, split_seed=seed) for seed in (0, 0, 1)]
    first, again, other = (json.loads(json.dumps(one.description())) for one in ones)

    assert first == again
    assert ones[0].split_rows() != ones[2].split_rows()
    assert first["split"] != other["split"]
    assert first["modalities"] == ["t1c"]
    assert first["target"] == "whole"
    assert first["spacing"] == {"x": [1, 1], "y": [1, 1], "z": [1, 1]}


def test_the_summary_counts_cases_patients_and_slices(tmp_path: Path) -> None:
    write_dataset(tmp_path / "data", 4)
    write_case(tmp_path / "data", "BraTS-GLI-00000-001")
    split = split_file(tmp_path / "split.csv", [0, 1], [2], [3])
    split.write_text(split.read_text() + "\nBraTS-GLI-00000-001,train")

    one = ready(tmp_path / "data", tmp_path / "cache", split_file=split, slices=[1, 2])

    summary = one.summary()
    assert "5 cases of 4 patients" in summary
    # Cases, then slices, of train, val and test
    assert re.findall(r"\d+", summary.split("brats2023")[1]) == ["3", "1", "1", "6", "2", "2"]
