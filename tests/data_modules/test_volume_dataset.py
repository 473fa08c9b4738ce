"""Whole volumes for a prediction."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from data_modules.volume_dataset import VolumeDataset, cases_to_predict
from tests.helpers.forms import mirror_sform
from tests.helpers.toy import toy_image, toy_labels, write_case


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
