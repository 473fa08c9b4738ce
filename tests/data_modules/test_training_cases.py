"""Whose the cases are, which of them can be trained on, and what a user should know of them."""

from pathlib import Path

import pytest

from data_modules.training_cases import find_training_cases
from data_modules.utils.errors import DataError
from tests.helpers.brats_modules import ready
from tests.helpers.toy import write_case, write_dataset

LABELLED = {"t1c": "-t1c", "seg": "-seg"}
UNLABELLED = {"t1c": "-t1c"}


@pytest.mark.parametrize(
    "folder", ["BraTS2023-GLI-ValidationData", "val", "Testing", "2021_test", "imagesTs/part"]
)
def test_cases_whose_labels_were_never_published_are_no_bad_cases(
    tmp_path: Path, folder: str
) -> None:
    write_case(tmp_path / "Training", "BraTS-GLI-00001-000", names=LABELLED)
    write_case(tmp_path / folder, "BraTS-GLI-00002-000", names=UNLABELLED)

    found = find_training_cases(tmp_path, "auto", None)

    assert [case.id for case in found.cases] == ["BraTS-GLI-00001-000"]
    assert [case.id for case in found.held_out] == ["BraTS-GLI-00002-000"]
    (remark,) = found.remarks
    assert remark.startswith("cases of validation or test that are not used")
    assert remark.endswith(f": 1 ({Path(folder).parts[0]})")


@pytest.mark.parametrize("folder", ["Training", "latest", "interval"])
def test_a_missing_segmentation_elsewhere_stays_a_bad_case(tmp_path: Path, folder: str) -> None:
    write_case(tmp_path / "val", "BraTS-GLI-00001-000", names=LABELLED)
    for part, case in ((folder, "BraTS-GLI-00002-000"), ("val", "BraTS-GLI-00003-000")):
        write_case(tmp_path / part, case, names=UNLABELLED)

    assert len(find_training_cases(tmp_path, "auto", None).cases) == 3


def test_no_segmentation_at_all_is_one_line(tmp_path: Path) -> None:
    write_case(tmp_path / "val", "BraTS-GLI-00001-000", names=UNLABELLED)

    with pytest.raises(DataError, match="no segmentation in 1 case"):
        find_training_cases(tmp_path, "auto", None)


def test_ids_of_unknown_form_are_counted_unless_a_file_names_their_patients(
    tmp_path: Path,
) -> None:
    for case in ("Clinic_7a", "Clinic_7b", "BraTS-GLI-00001-000"):
        write_case(tmp_path / "data", case, names=LABELLED)
    names = tmp_path / "patients.csv"
    names.write_text("case,patient\nClinic_7a,seven\nClinic_7b, seven\n")

    (remark,) = find_training_cases(tmp_path / "data", "auto", None).remarks
    named = find_training_cases(tmp_path / "data", "auto", names)

    assert remark.startswith("cases whose patient cannot be inferred from the id: 2 of 3 ")
    assert named.remarks == []
    assert [case.patient for case in named.cases] == ["BraTS-GLI-00001", "seven", "seven"]


@pytest.mark.parametrize("seed", range(3))
def test_a_file_of_patients_groups_cases_and_leaves_the_split_to_the_seed(
    tmp_path: Path, data: Path, cache: Path, seed: int
) -> None:
    names = tmp_path / "patients.csv"
    rows = [f"BraTS-GLI-{n:05d}-000,{'twice' if n < 2 else n}" for n in range(6)]
    names.write_text("\n".join(["case,patient", *rows]))

    module = ready(data, cache, split_file=names, split_seed=seed, slices=[1, 2, 3])

    sides = {case.id: side for side, cases in module.splits.items() for case in cases}
    assert sides["BraTS-GLI-00000-000"] == sides["BraTS-GLI-00001-000"]
    assert len(sides) == 6


def test_the_same_voxels_under_two_ids_are_reported(tmp_path: Path, cache: Path) -> None:
    root = write_dataset(tmp_path / "data", 4)
    write_case(root, "Clinic_7", seed=2)

    problems = [p for p in ready(root, cache, slices=[1]).problems if p.case == "Clinic_7"]

    (problem,) = problems
    assert problem.is_warning
    assert problem.what.startswith("has the same voxels as case BraTS-GLI-00002-000, which counts")
    assert "data.split_file" in problem.remedy


@pytest.mark.parametrize(("enhancing", "remarks"), [(4, 1), (3, 0)])
def test_label_4_without_label_3_is_suspicious_if_4_is_no_tumour(
    tmp_path: Path, cache: Path, enhancing: int, remarks: int
) -> None:
    for seed in range(4):
        case, values = f"BraTS-GLI-{seed:05d}-100", (1, 2, enhancing if seed else 4)
        write_case(tmp_path, case, seed=seed, names=LABELLED, values=values)

    found = ready(tmp_path, cache, slices=[1, 2]).remarks

    assert len(found) == remarks
    assert all("label 4 occurs in 4 cases of brats2024, and label 3 in none" in r for r in found)
