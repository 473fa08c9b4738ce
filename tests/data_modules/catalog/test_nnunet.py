"""nnU-Net's raw data: imagesTr/<id>_0000.nii.gz, labelsTr/<id>.nii.gz and dataset.json."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data_modules.catalog.cases import find_cases, read_catalog
from data_modules.io.volumes import read_labels
from data_modules.utils.errors import DataError
from tests.helpers.toy import toy_image, toy_labels, write_volume

CHANNELS = {"0": "T1", "1": "T1ce", "2": "T2", "3": "Flair"}
REGIONS = {
    "background": 0, "whole tumor": [1, 2, 3], "tumor core": [2, 3], "enhancing tumor": [3],
}  # fmt: skip


def write_nnunet(root: Path, ids: Sequence[str], **described: Any) -> Path:
    """Cases with labels 1 oedema, 2 necrosis, 3 enhancing, the first without its second image."""
    for seed, case in enumerate(ids):
        labels = toy_labels(seed, values=(2, 1, 3))
        for number in range(4):
            if (seed, number) != (0, 1):
                name = f"{case}_{number:04d}.nii.gz"
                write_volume(root / "imagesTr" / name, toy_image(labels, number))
        write_volume(root / "labelsTr" / f"{case}.nii.gz", labels)
    content = {"channel_names": CHANNELS, "labels": REGIONS, **described}
    (root / "dataset.json").write_text(json.dumps(content), encoding="utf-8")
    return root


@pytest.mark.parametrize(
    "described",
    [
        {},
        {"labels": {"background": 0, "edema": 1, "non-enhancing tumor": 2, "enhancing tumor": 3}},
        {"labels": {"background": 0, "ED": 1, "NCR": 2, "ET": 3, "ignore": 4}},
        {"channel_names": None, "modality": CHANNELS, "labels": {"0": "background", "1": "edema",
         "2": "necrosis", "3": "enhancing"}},
    ],
    ids=["regions", "names", "abbreviations", "first version"],
)  # fmt: skip
def test_dataset_json_says_what_images_and_labels_are(
    tmp_path: Path, described: dict[str, Any]
) -> None:
    root = write_nnunet(tmp_path / "Dataset137", ["BraTS-GLI-00001-000", "Clinic_7"], **described)
    if described.get("channel_names", "") is None:
        content = json.loads((root / "dataset.json").read_text())
        del content["channel_names"]
        (root / "dataset.json").write_text(json.dumps(content))

    catalog = read_catalog(tmp_path, "nnunet")

    first, second = catalog.cases
    assert [first.patient, second.patient] == ["BraTS-GLI-00001", "Clinic_7"]
    assert set(first.images) == {"t1n", "t2w", "t2f"}
    assert second.images["t1c"] == root.resolve() / "imagesTr" / "Clinic_7_0001.nii.gz"
    assert second.segmentation is not None
    labels = read_labels(second.segmentation, second.release.labels).labels
    np.testing.assert_array_equal(labels, toy_labels(1))
    assert catalog.remarks == []


@pytest.mark.parametrize(
    ("described", "message"),
    [
        ({"channel_names": {"0": "CT"}}, "names the channels CT, expected some of T1"),
        ({"labels": {"background": 0, "liver": 1}}, "has the label 'liver', expected names such"),
        (
            {"labels": {"background": 0, "edema": "1"}},
            "has the value '1' for 'edema', expected a number",
        ),
        ({"labels": [1, 2]}, r"has labels \[1, 2\], expected names and numbers"),
    ],
)
def test_a_description_that_cannot_be_used_is_one_line(
    tmp_path: Path, described: dict[str, Any], message: str
) -> None:
    write_nnunet(tmp_path, ["a"], **described)

    with pytest.raises(DataError, match=rf"dataset\.json' {message}"):
        find_cases(tmp_path)


def test_without_dataset_json_the_layout_is_named(tmp_path: Path) -> None:
    write_nnunet(tmp_path, ["a"])
    (tmp_path / "dataset.json").unlink()

    with pytest.raises(DataError, match=r"nnU-Net's raw data without dataset\.json"):
        find_cases(tmp_path)
