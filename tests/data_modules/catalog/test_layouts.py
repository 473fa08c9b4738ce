"""Folders that hold images in another layout, and images that belong to no case."""

import shutil
from pathlib import Path

import pytest

from data_modules.catalog.cases import find_cases, missing_files, read_catalog
from data_modules.utils.errors import DataError

CASE = "BraTS-GLI-00005-000"


def write(root: Path, *names: str, content: bytes = b"") -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def write_case(root: Path, case: str = CASE, *parts: str, ending: str = ".nii.gz") -> Path:
    kinds = ("t1n", "t1c", "t2w", "t2f", "seg")
    return write(root.joinpath(*parts), *(f"{case}/{case}-{kind}{ending}" for kind in kinds))


@pytest.mark.parametrize(
    ("name", "content", "layout"),
    [
        ("sub-01/anat/sub-01_T1w.nii.gz", b"", "BIDS"),
        ("patient/series/1.dcm", b"", "DICOM"),
        ("patient/series/IM0001", bytes(128) + b"DICM", "DICOM"),
        ("BraTS.zip", b"PK", "an archive that was not unpacked"),
        ("kaggle_3m/TCGA_1/TCGA_1_1.tif", b"", "slices as .tif"),
        ("data/volume_1_slice_0.h5", b"", "slices as .h5"),
        ("case/t1c.hdr", b"", "pairs of .hdr and .img"),
    ],
)
def test_no_case_says_what_the_folder_looks_like(
    tmp_path: Path, name: str, content: bytes, layout: str
) -> None:
    write(tmp_path, name, content=content)

    with pytest.raises(DataError, match=f"and looks like {layout}") as caught:
        find_cases(tmp_path)

    assert "\n" not in str(caught.value)


def test_the_second_tree_of_an_archive_from_a_mac_is_passed_over(tmp_path: Path) -> None:
    write_case(tmp_path)
    write(tmp_path, f"__MACOSX/{CASE}/._{CASE}-t1c.nii.gz")

    catalog = read_catalog(tmp_path)

    assert (len(catalog.cases), catalog.cases[0].problems, catalog.remarks) == (1, (), [])


def test_a_case_in_a_folder_of_its_own_name_is_one_case(tmp_path: Path) -> None:
    write_case(tmp_path, CASE, CASE)

    (case,) = find_cases(tmp_path)

    assert (case.problems, len(case.images)) == ((), 4)


@pytest.mark.parametrize("name", [f"{CASE}-T1c.nii.gz", f"{CASE}-t1c.NII.GZ", f"{CASE}-T1C.NII"])
def test_upper_case_names_are_read(tmp_path: Path, name: str) -> None:
    folder = write_case(tmp_path) / CASE
    (folder / f"{CASE}-t1c.nii.gz").rename(folder / name)

    (case,) = find_cases(tmp_path)

    assert case.images["t1c"].name == name
    assert case.problems == ()


@pytest.mark.parametrize("ending", [".hdr", ".img", ".nrrd", ".nii.GZ"])
def test_a_missing_image_in_another_format_is_to_be_converted(tmp_path: Path, ending: str) -> None:
    folder = write_case(tmp_path) / CASE
    (folder / f"{CASE}-t1c.nii.gz").rename(folder / f"{CASE}-t1c{ending}")

    (case,) = find_cases(tmp_path)
    problem = missing_files(case, ["t1c"])

    assert problem is not None
    assert f"not read: {CASE}-t1c{ending}" in problem.what
    assert "convert it to .nii.gz" in problem.remedy
    assert "download" not in problem.remedy


@pytest.mark.parametrize(
    "name",
    ["scan.nii.gz", f"{CASE}/mask.nii", "other/t1.nrrd", "labelsTr/BRATS_001.nii.gz", "part2.zip"],
)
def test_images_that_are_not_read_are_named(tmp_path: Path, name: str) -> None:
    write_case(tmp_path)
    write(tmp_path, name)

    (remark,) = read_catalog(tmp_path).remarks

    assert remark.startswith("images or archives that are not read")
    assert remark.endswith(f": 1 ({name})")


def test_folders_that_lie_too_deep_are_named(tmp_path: Path) -> None:
    write_case(tmp_path)
    write_case(tmp_path, "BraTS-GLI-00006-000", "1", "2", "3", "4")

    (remark,) = read_catalog(tmp_path).remarks

    assert remark.startswith("folders that are not searched")
    assert remark.endswith(": 1 (1/2/3/4/BraTS-GLI-00006-000)")


def test_an_empty_copy_of_a_case_is_no_copy_and_a_full_one_is(tmp_path: Path) -> None:
    write_case(tmp_path, CASE, "one")
    (tmp_path / "two" / CASE).mkdir(parents=True)
    assert find_cases(tmp_path)[0].problems == ()

    shutil.copytree(tmp_path / "one", tmp_path / "two", dirs_exist_ok=True)
    assert "was found 2 times" in find_cases(tmp_path)[0].problems[0].what
