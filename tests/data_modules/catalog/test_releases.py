"""Releases that name, place or number things otherwise than BraTS 2017 to 2024 glioma."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from data_modules.brats import BraTSDataModule
from data_modules.catalog.cases import Case, find_cases
from data_modules.catalog.releases import releases_named
from data_modules.io.volumes import read_labels, read_modality
from data_modules.io.writers import write_label_map
from data_modules.utils.errors import DataError
from tests.helpers.toy import toy_image, toy_labels, write_case, write_volume


def only(cases: list[Case]) -> Case:
    (case,) = cases
    return case


@pytest.mark.parametrize(
    ("case_id", "release", "patient"),
    [
        ("BraTS-SSA-00002-000", "brats-ssa", "BraTS-SSA-00002"),
        ("BraTS-MEN-00004-000", "brats-men", "BraTS-MEN-00004"),
        ("BraTS-MET-00761-003", "brats-met", "BraTS-MET-00761"),
    ],
)
def test_other_tumours_are_known_by_their_ids(
    tmp_path: Path, case_id: str, release: str, patient: str
) -> None:
    write_case(tmp_path, case_id)

    for asked in ("auto", release):
        case = only(find_cases(tmp_path, asked))
        assert (case.release.name, case.patient) == (release, patient)
        assert set(case.images) == {"t1n", "t1c", "t2w", "t2f"}


def test_children_need_the_year_to_be_named(tmp_path: Path) -> None:
    write_case(tmp_path, "BraTS-PED-00001-000")

    with pytest.raises(DataError, match=r"brats-ped2023 or brats-ped2024.*--data\.release"):
        find_cases(tmp_path)
    for year in ("brats-ped2023", "brats-ped2024"):
        assert only(find_cases(tmp_path, year)).release.name == year


def test_meningioma_before_radiotherapy_has_one_image_and_one_label(tmp_path: Path) -> None:
    write_case(
        tmp_path, "BraTS-MEN-RT-0012-1", names={"t1c": "_t1c", "seg": "_gtv"}, values=(1, 1, 1)
    )

    case = only(find_cases(tmp_path))

    assert (case.release.name, case.patient) == ("brats-men-rt", "BraTS-MEN-RT-0012")
    assert list(case.images) == ["t1c"]
    assert case.segmentation is not None
    labels = read_labels(case.segmentation, case.release.labels).labels
    np.testing.assert_array_equal(labels, toy_labels(0) > 0)


def write_numbered(folder: Path, seed: int, truth: str) -> None:
    """A case as BRATS 2013 and 2015 have it: each file in a folder of its own name."""
    names = {"t1n": "MR_T1", "t1c": "MR_T1c", "t2w": "MR_T2", "t2f": "MR_Flair"}
    for number, name in enumerate(names.values(), start=54512 + seed):
        stem = f"VSD.Brain.XX.O.{name}.{number}"
        write_volume(folder / stem / f"{stem}.mha", toy_image(toy_labels(seed), seed * 10 + number))
    labels = toy_labels(seed, values=(3, 2, 4))
    labels[1:, 18:20, 18:20] = 1
    write_volume(folder / truth / f"{truth}.{54599 + seed}.mha", labels)


def test_brats_2015_has_a_folder_for_each_file_and_four_labels(tmp_path: Path) -> None:
    for seed, name in enumerate(("brats_2013_pat0001_1", "brats_tcia_pat153_0109")):
        write_numbered(tmp_path / "HGG" / name, seed, "VSD.Brain_3more.XX.O.OT")

    first, second = find_cases(tmp_path)

    assert [first.patient, second.patient] == ["brats_2013_pat0001", "brats_tcia_pat153"]
    assert {case.release.name for case in (first, second)} == {"brats2013-2015"}
    assert "MR_T1." in first.images["t1n"].name
    assert "MR_T1c." in first.images["t1c"].name
    assert first.segmentation is not None
    labels = read_labels(first.segmentation, first.release.labels).labels
    expected = toy_labels(0, values=(1, 2, 3))
    expected[1:, 18:20, 18:20] = 1
    np.testing.assert_array_equal(labels, expected)


def test_brats_2013_numbers_the_patients_of_each_grade(tmp_path: Path) -> None:
    for seed, grade in enumerate(("HG", "LG")):
        write_numbered(tmp_path / "Image_Data" / grade / "0001", seed, "VSD.Brain_3more.XX.XX.OT")

    cases = find_cases(tmp_path)

    assert [case.id for case in cases] == [case.patient for case in cases] == ["HG_0001", "LG_0001"]
    assert all(case.segmentation and len(case.images) == 4 for case in cases)
    assert not any(case.problems for case in cases)


def test_an_mha_file_that_was_cut_short_is_refused(tmp_path: Path) -> None:
    path = write_volume(tmp_path / "image.mha", toy_image(toy_labels(0), 0))
    path.write_bytes(path.read_bytes()[:-500])

    with pytest.raises(DataError, match=r"image\.mha: "):
        read_modality(path)


ORDER = ("t2f", "t1n", "t1c", "t2w")


def write_decathlon(root: Path, cases: int) -> Path:
    for number in range(1, cases + 1):
        truth = toy_labels(number, values=(2, 1, 3))
        volumes = [
            sitk.GetImageFromArray(toy_image(truth, number * 10 + place))
            for place in range(len(ORDER))
        ]
        (root / "imagesTr").mkdir(parents=True, exist_ok=True)
        name = f"BRATS_{number:03d}.nii.gz"
        sitk.WriteImage(sitk.JoinSeries(volumes), str(root / "imagesTr" / name))
        write_volume(root / "labelsTr" / name, truth, origin=(0, 0, 0))
    (root / "imagesTr" / "._BRATS_001.nii.gz").write_bytes(b"of another system")
    return root


def test_the_decathlon_has_four_images_in_one_file(tmp_path: Path) -> None:
    root = write_decathlon(tmp_path / "Task01_BrainTumour", 3)

    cases = find_cases(root)

    assert [case.id for case in cases] == ["BRATS_001", "BRATS_002", "BRATS_003"]
    path = cases[0].images["t1c"]
    assert [cases[0].channel(modality) for modality in ORDER] == [0, 1, 2, 3]
    for place, modality in enumerate(ORDER):
        voxels = toy_image(toy_labels(1, values=(2, 1, 3)), 10 + place)
        write_volume(tmp_path / "alone.nii.gz", voxels)
        found = read_modality(path, cases[0].channel(modality)).normalised()
        np.testing.assert_array_equal(found, read_modality(tmp_path / "alone.nii.gz").normalised())
    assert cases[0].segmentation is not None
    labels = read_labels(cases[0].segmentation, cases[0].release.labels).labels
    np.testing.assert_array_equal(labels, toy_labels(1))


def test_the_decathlon_becomes_batches_and_label_maps(tmp_path: Path) -> None:
    root = write_decathlon(tmp_path / "Task01_BrainTumour", 3)
    data = BraTSDataModule(
        root=root, cache_dir=tmp_path / "cache", modalities=["t1c", "t2f"], image_size=(40, 40)
    )

    data.prepare_data()

    (batch,) = data.val_dataloader()
    assert batch["image"].shape == (1, 2, 40, 40)
    assert data.problems == []
    case = data.splits["val"][0]
    write_label_map(tmp_path / "out.nii.gz", toy_labels(5), case.images["t1c"], 2)
    written = sitk.ReadImage(str(tmp_path / "out.nii.gz"))
    assert written.GetSize() == (40, 40, 4)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(written), toy_labels(5))


@pytest.mark.parametrize(
    ("release", "expected"),
    [
        ("brats-ssa", [0, 1, 2, 3]),
        ("brats-men", [0, 1, 2, 3]),
        ("brats-met", [0, 1, 2, 3, 0]),
        ("brats-ped2023", [0, 1, 2, 3]),
        ("brats-ped2024", [0, 3, 1, 1, 2]),
        ("brats-men-rt", [0, 1]),
        ("brats2013-2015", [0, 1, 2, 1, 3]),
        ("msd-task01", [0, 2, 1, 3]),
    ],
)
def test_what_each_label_becomes(release: str, expected: list[int]) -> None:
    (row,) = releases_named(release)
    assert dict(row.labels) == dict(enumerate(expected))
