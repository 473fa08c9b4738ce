"""Whole volumes for a prediction."""

import os
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from data_modules.catalog.cases_to_predict import cases_to_predict
from data_modules.utils.errors import DataError
from data_modules.volume_dataset import VolumeDataset
from tests.helpers.forms import mirror_sform
from tests.helpers.toy import toy_image, toy_labels, write_case, write_volume


def test_a_file_that_may_be_read_the_wrong_way_round_is_named_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    case = write_case(tmp_path / "in", "patient")
    path = case / "patient-t2f.nii.gz"
    mirror_sform(path, 1, 2)
    cases = cases_to_predict(tmp_path / "in", ["t1c", "t2f"], "auto")

    volume = VolumeDataset(cases, ["t1c", "t2f"], (40, 40))[0]

    assert volume["problem"] is None
    (record,) = caplog.records
    assert record.getMessage() == (
        f"{path.resolve()}: its axes are LPS by the qform (code 1) and LAS by the sform (code 2); "
        "it is read as LPS; check which side is left, and write that orientation into both forms"
    )


def test_a_4_d_file_is_named_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "imagesTs").mkdir()
    image = toy_image(toy_labels(0), 0).T
    stacked = nib.Nifti1Image(np.stack([image] * 4, axis=-1), None)
    nib.save(stacked, tmp_path / "imagesTs" / "BRATS_001.nii.gz")
    cases = cases_to_predict(tmp_path, ["t1c", "t2f"], "auto")

    assert VolumeDataset(cases, ["t1c", "t2f"], (40, 40))[0]["problem"] is None
    (record,) = caplog.records
    assert "its qform and its sform have code 0" in record.getMessage()


def test_a_slice_with_a_few_voxels_has_no_brain_as_in_a_test(tmp_path: Path) -> None:
    case = write_case(tmp_path / "in", "patient")
    for modality, few in (("t1c", 1), ("t2f", 2)):  # of 1600 pixels; two are enough
        path = case / f"patient-{modality}.nii.gz"
        voxels = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
        voxels[0], voxels[0, 20, 20 : 20 + few] = 0, 100
        voxels[3], voxels[3, 20, 20] = 0, 100
        write_volume(path, voxels)
    (found,) = cases_to_predict(tmp_path / "in", ["t1c", "t2f"], "auto")

    image = VolumeDataset([found], ["t1c", "t2f"], (40, 40))[0]["image"]

    assert image.flatten(1).any(dim=1).tolist() == [True, True, True, False]
    assert image[0, 0].count_nonzero() == 1


def test_a_single_image_is_a_case_that_is_named_after_it(tmp_path: Path) -> None:
    source = write_case(tmp_path / "in", "patient") / "patient-t2f.nii.gz"
    scan = source.rename(tmp_path / "scan 1.nii.gz")
    (case,) = cases_to_predict(scan, ["t2f"], "auto")

    assert (case.id, case.images) == ("scan 1", {"t2f": scan.resolve()})
    volume = VolumeDataset([case], ["t2f"], (40, 40))[0]
    assert volume["problem"] is None
    assert volume["image"].any()


def test_a_single_image_of_a_case_has_the_id_of_the_case(tmp_path: Path) -> None:
    folder = write_case(tmp_path, "patient")
    (case,) = cases_to_predict(folder / "patient-t2f.nii.gz", ["t2f"], "auto")
    assert (case.id, set(case.images)) == ("patient", {"t2f"})


@pytest.mark.parametrize("file", ["t1c", "seg"])
def test_a_single_image_of_another_modality_is_refused(file: str, tmp_path: Path) -> None:
    folder = write_case(tmp_path, "patient")
    what = "segmentation" if file == "seg" else file
    with pytest.raises(DataError, match=f"is the {what} of case patient, .* trained on t2f"):
        cases_to_predict(folder / f"patient-{file}.nii.gz", ["t2f"], "auto")


@pytest.mark.parametrize(
    ("name", "modalities", "message"),
    [
        ("scan.png", ["t2f"], "is no image, expected a file such as scan.nii.gz"),
        ("scan.nii.gz", ["t1c", "t2f"], "is a single file, the network was trained on t1c, t2f"),
        ("=scan.nii.gz", ["t2f"], "case id '=scan'"),
    ],
)
def test_a_single_file_that_is_no_case(
    name: str, modalities: list[str], message: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(DataError, match=message):
        cases_to_predict(tmp_path / name, modalities, "auto")


def test_a_file_by_itself_is_read_as_it_is_whatever_the_files_of_the_training_were(
    tmp_path: Path,
) -> None:
    path = tmp_path / "scan.nii.gz"
    sitk.WriteImage(sitk.GetImageFromArray(np.ones((3, 4, 5), np.float32)), str(path))
    for release in ("auto", "brats2023", "msd-task01"):
        (case,) = cases_to_predict(path, ["t2f"], release)
        assert (case.id, case.channel("t2f")) == ("scan", None)


def test_a_link_in_the_folder_of_a_case_is_a_file_of_the_case(tmp_path: Path) -> None:
    case = write_case(tmp_path, "BraTS-GLI-00001-000")
    (tmp_path / "blobs").mkdir()
    for number, file in enumerate(sorted(case.iterdir())):
        blob = file.rename(tmp_path / "blobs" / str(number))
        file.symlink_to(blob)
    image = case / "BraTS-GLI-00001-000-t1c.nii.gz"
    (found,) = cases_to_predict(image, ["t1c"], "auto")
    assert found.id == "BraTS-GLI-00001-000"
    with pytest.raises(DataError, match="is the t1c of case BraTS-GLI-00001-000"):
        cases_to_predict(image, ["t2f"], "auto")


def test_only_the_folder_of_a_single_file_is_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "scan.nii.gz"
    sitk.WriteImage(sitk.GetImageFromArray(np.ones((3, 4, 5), np.float32)), str(path))
    (tmp_path / "other" / "folders").mkdir(parents=True)
    listed: list[str] = []
    scandir = os.scandir

    def record(folder: Path) -> Any:
        listed.append(str(folder))
        return scandir(folder)

    monkeypatch.setattr("data_modules.catalog.folders.os.scandir", record)
    cases_to_predict(path, ["t2f"], "auto")
    assert set(listed) == {str(tmp_path)}
