"""Where the ground truth is, and what it is of."""

from pathlib import Path

import pytest

from data_modules.utils.errors import DataError
from lightning_app.evaluation.inputs.cohort import choose_cohort
from lightning_app.evaluation.inputs.references import References, read_references
from lightning_app.metrics.volume.cohorts import COHORTS
from lightning_app.utils.errors import UsageError
from tests.helpers.masks import tumour, write_masks
from tests.helpers.toy import write_case


def read(folder: Path, release: str = "auto", typed: str | None = None) -> References:
    return read_references(folder, release, typed)


def test_label_maps_may_lie_beside_folders_of_cases(tmp_path: Path) -> None:
    write_case(tmp_path / "scans", "BraTS-GLI-00001-000")
    write_masks(tmp_path, {"A": tumour()})
    assert list(read(tmp_path).cases) == ["A"]


def test_a_folder_of_one_case_is_a_data_set(tmp_path: Path) -> None:
    folder = write_case(tmp_path, "BraTS-GLI-00001-000")
    (reference,) = read(folder).cases.values()
    assert reference.label_map.path.name == "BraTS-GLI-00001-000-seg.nii.gz"


def test_cases_without_ground_truth_are_told_apart(tmp_path: Path) -> None:
    for number in (1, 2):
        write_case(tmp_path, f"BraTS-GLI-0000{number}-000")
    (tmp_path / "BraTS-GLI-00002-000" / "BraTS-GLI-00002-000-seg.nii.gz").unlink()
    assert list(read(tmp_path).cases) == ["BraTS-GLI-00001-000"]
    assert read(tmp_path).unlabelled == {"BraTS-GLI-00002-000"}


def test_a_data_set_without_ground_truth_is_refused(tmp_path: Path) -> None:
    write_case(tmp_path, "BraTS-GLI-00001-000", names={"t1c": "-t1c"})
    with pytest.raises(DataError, match="has 1 case, none with a segmentation"):
        read(tmp_path)


def test_the_release_that_is_typed_defines_label_maps_too(tmp_path: Path) -> None:
    write_masks(tmp_path, {"BraTS-GLI-00001-100": tumour()})
    (reference,) = read(tmp_path, "brats2024", "brats2023").cases.values()
    assert reference.label_map.values.labels == {0: 0, 1: 1, 2: 2, 3: 3, 4: 0}


def test_the_release_that_is_typed_defines_the_lesions_of_label_maps(tmp_path: Path) -> None:
    write_masks(tmp_path, {"case_001": tumour()})
    references = read(tmp_path, "brats-met").cases.values()
    cohort, why = choose_cohort(references, None)
    assert cohort == COHORTS["metastases"]
    assert why == "by the releases of the cases: brats-met"


def test_whole_leaves_a_data_set_its_labels(tmp_path: Path) -> None:
    """The resection cavity of a release is no tumour, though it is not 0."""
    write_case(tmp_path, "BraTS-GLI-00001-100")
    values = next(iter(read(tmp_path, typed="whole").cases.values())).label_map.values
    assert values.labels == {0: 0, 1: 1, 2: 2, 3: 3, 4: 0}
    assert values.regions == ("whole",)


@pytest.mark.parametrize(
    ("case", "cohort"),
    [
        ("BraTS-GLI-00001-000", "glioma"), ("BraTS-SSA-00001-000", "africa"),
        ("BraTS-PED-00001-000", "pediatric"), ("BraTS-MEN-00001-000", "meningioma"),
        ("BraTS-MET-00001-000", "metastases"), ("BraTS-MEN-RT-0001-1", "meningioma"),
        ("Patient 7", "glioma"),
    ],
)  # fmt: skip
def test_the_cohort_follows_from_the_cases(case: str, cohort: str, tmp_path: Path) -> None:
    write_masks(tmp_path, {case: tumour()})
    cases = read(tmp_path).cases.values()
    found, why = choose_cohort(cases, None)
    assert found.name == cohort
    assert why.startswith(
        "the default" if case == "Patient 7" else "by the releases of the cases: brats"
    )
    assert choose_cohort(cases, "africa") == (COHORTS["africa"], "as typed")


def test_several_cohorts_are_refused(tmp_path: Path) -> None:
    write_masks(tmp_path, dict.fromkeys(("BraTS-MEN-00001-000", "BraTS-MET-00001-000"), tumour()))
    with pytest.raises(UsageError, match=r"meningioma .*, metastases .*; name --cohort"):
        choose_cohort(read(tmp_path).cases.values(), None)


def test_a_name_that_is_not_utf8_is_a_problem(tmp_path: Path) -> None:
    write_masks(tmp_path, {"A": tumour(), "B": tumour()})
    try:
        (tmp_path / "A.nii.gz").rename(tmp_path / "A\udcff.nii.gz")
    except OSError:
        pytest.skip("the file system takes only UTF-8")
    references = read(tmp_path)
    assert [problem.what for problem in references.problems] == ["its name is not in UTF-8"]
    assert list(references.cases) == ["B"]
