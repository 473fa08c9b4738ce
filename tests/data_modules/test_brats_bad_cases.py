import re
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from data_modules.summary import description, split_rows
from data_modules.utils.errors import DataError
from tests.helpers.brats_modules import file_of, ids, module, number_of, ready, split_file
from tests.helpers.forms import mirror_sform
from tests.helpers.toy import toy_labels, write_dataset, write_volume


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
    damage_image: "-t1c.nii.gz: is not gzip-compressed",
    damage_segmentation: "-seg.nii.gz: is not gzip-compressed",
    damage_labels: "label 4 (6,400 voxels)",
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
    assert description(one)["left_out"] == one.left_out
    assert [number_of(row[0]) for row in split_rows(one)] == [0, 2, 3, 4]
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

    with pytest.raises(DataError, match=r"the validation split has no pixel of") as e:
        one.setup("fit")

    assert "'core'" in str(e.value)
    one.setup("test")
    ready(root, tmp_path / "cache", split_file=split, target="whole")


def test_a_side_without_a_slice_stops(tmp_path: Path) -> None:
    root = write_dataset(tmp_path / "data", 3)
    write_volume(file_of(root, 1, "seg"), np.zeros((4, 40, 40), np.uint8))
    split = split_file(tmp_path / "split.csv", [0], [1], [2])

    with pytest.raises(DataError, match=r"no slice in split val: 1 case, data\.slices tumour"):
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


def test_a_link_to_a_case_is_answered_with_the_folder_of_the_links(
    data: Path, cache: Path, tmp_path: Path
) -> None:
    case = data / "BraTS-GLI-00000-000"
    (tmp_path / "links").mkdir()
    for name, above in ((case.name, tmp_path / "links"), ("patient", data)):
        link = tmp_path / "links" / name
        link.symlink_to(case)
        with pytest.raises(
            DataError, match=rf"expected the folder above.*'{re.escape(str(above))}'"
        ):
            ready(link, cache)


def test_files_that_may_be_read_the_wrong_way_round_are_used_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = write_dataset(tmp_path / "data", 6)
    for number, codes in enumerate([(1, 2), (0, 0)]):
        for what in ("t1c", "seg"):
            mirror_sform(file_of(root, number, what), *codes)

    data = ready(root, tmp_path / "cache")

    assert not data.left_out
    words = {problem.what.partition(";")[0] for problem in data.problems}
    assert words == {
        "its axes are LPS by the qform (code 1) and LAS by the sform (code 2)",
        "its qform and its sform have code 0, so the header does not say which side is left",
    }
    warned = {Path(problem.file) for problem in data.problems if problem.is_warning}
    assert warned == {file_of(root, n, what) for n in (0, 1) for what in ("t1c", "seg")}
    assert "Cases to look at: 2 (BraTS-GLI-00000-000: " in caplog.text


def test_labels_that_a_header_scales_are_used_with_a_warning(tmp_path: Path) -> None:
    root = write_dataset(tmp_path / "data", 5)
    path = file_of(root, 1, "seg")
    stored = nib.load(path)
    scaled = nib.Nifti1Image(np.minimum(stored.get_fdata(), 2), None, stored.header)
    scaled.header.set_data_dtype(np.int16)
    nib.save(scaled, path)

    data = ready(root, tmp_path / "cache")

    (problem,) = data.problems
    assert problem.is_warning
    assert problem.file == str(path)
    assert problem.what == "its labels 1.00002 are read as 1"
