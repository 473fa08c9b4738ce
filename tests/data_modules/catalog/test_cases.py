import errno
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from data_modules.catalog.cases import Case, find_cases, missing_files, read_catalog
from data_modules.catalog.releases import RELEASES, releases_named
from data_modules.utils.errors import DataError
from tests.helpers.toy import BRATS_2021, BRATS_2023, write_case

CONVENTIONS = [
    ("brats2023", "BraTS-GLI-00005-000", BRATS_2023, "BraTS-GLI-00005"),
    ("brats2023", "BraTS-GLI-01666-001", BRATS_2023, "BraTS-GLI-01666"),
    ("brats2024", "BraTS-GLI-02062-100", BRATS_2023, "BraTS-GLI-02062"),
    ("brats2024", "BraTS-GLI-02062-101", BRATS_2023, "BraTS-GLI-02062"),
    ("brats2021", "BraTS2021_00006", BRATS_2021, "BraTS2021_00006"),
    ("brats2020", "BraTS20_Training_001", BRATS_2021, "BraTS20_Training_001"),
    ("brats2017-2019", "BraTS19_CBICA_AAB_1", BRATS_2021, "CBICA_AAB"),
    ("brats2017-2019", "Brats18_TCIA04_192_1", BRATS_2021, "TCIA04_192"),
    ("brats2017-2019", "Brats17_2013_10_1", BRATS_2021, "2013_10"),
]


def empty_case(
    folder: Path, case: str, names: Mapping[str, str] = BRATS_2023, ending: str = ".nii.gz"
) -> Path:
    """Files with nothing in them: who looks for cases looks at names."""
    (folder / case).mkdir(parents=True)
    for suffix in names.values():
        (folder / case / f"{case}{suffix}{ending}").touch()
    return folder / case


def only(cases: list[Case]) -> Case:
    assert len(cases) == 1
    return cases[0]


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
@pytest.mark.parametrize(("release", "case_id", "names", "patient"), CONVENTIONS)
def test_each_release_is_known_by_its_own_names(
    tmp_path: Path,
    release: str,
    case_id: str,
    names: Mapping[str, str],
    patient: str,
    ending: str,
) -> None:
    folder = empty_case(tmp_path, case_id, names, ending)

    for asked in ("auto", release):
        case = only(find_cases(tmp_path, asked))
        assert (case.id, case.patient, case.release.name) == (case_id, patient, release)
        assert case.segmentation == folder / f"{case_id}{names['seg']}{ending}"
        assert case.images == {
            modality: folder / f"{case_id}{names[modality]}{ending}"
            for modality in ("t1n", "t1c", "t2w", "t2f")
        }


def test_two_scans_of_a_patient_are_two_cases_of_one_patient(tmp_path: Path) -> None:
    for case in ("BraTS-GLI-00017-001", "BraTS-GLI-00017-000", "BraTS-GLI-00018-000"):
        empty_case(tmp_path, case)

    assert [(c.id, c.patient) for c in find_cases(tmp_path)] == [
        ("BraTS-GLI-00017-000", "BraTS-GLI-00017"),
        ("BraTS-GLI-00017-001", "BraTS-GLI-00017"),
        ("BraTS-GLI-00018-000", "BraTS-GLI-00018"),
    ]


def test_case_355_of_2020_has_its_segmentation_under_another_name(tmp_path: Path) -> None:
    images = {modality: name for modality, name in BRATS_2021.items() if modality != "seg"}
    folder = empty_case(tmp_path, "BraTS20_Training_355", images, ".nii")
    misnamed = folder / "W39_1998.09.19_Segm.nii"
    misnamed.touch()

    assert only(find_cases(tmp_path)).segmentation == misnamed


def test_a_foreign_name_is_a_patient_of_its_own(tmp_path: Path) -> None:
    empty_case(tmp_path, "Clinic_7")

    case = only(find_cases(tmp_path))

    assert (case.patient, case.release.name) == ("Clinic_7", "brats2023")


def test_cases_lie_in_folders_by_grade(tmp_path: Path) -> None:
    empty_case(tmp_path / "Training" / "LGG", "Brats18_TCIA09_141_1", BRATS_2021)
    empty_case(tmp_path / "Training" / "HGG", "Brats18_TCIA04_192_1", BRATS_2021)

    for root in (tmp_path, tmp_path / "Training"):
        assert [case.id for case in find_cases(root)] == [
            "Brats18_TCIA04_192_1",
            "Brats18_TCIA09_141_1",
        ]
    assert only(find_cases(tmp_path / "Training" / "LGG")).id == "Brats18_TCIA09_141_1"


def test_a_root_that_is_a_case_holds_that_case(tmp_path: Path) -> None:
    folder = empty_case(tmp_path, "BraTS2021_00006", BRATS_2021)

    assert only(find_cases(folder)).id == "BraTS2021_00006"


def test_the_order_is_that_of_the_ids(tmp_path: Path) -> None:
    empty_case(tmp_path / "a", "BraTS-GLI-00009-000")
    empty_case(tmp_path / "b", "BraTS-GLI-00001-000")

    assert [c.id for c in find_cases(tmp_path)] == ["BraTS-GLI-00001-000", "BraTS-GLI-00009-000"]


def test_several_releases_may_lie_below_one_root(tmp_path: Path) -> None:
    empty_case(tmp_path / "2021", "BraTS2021_00006", BRATS_2021)
    empty_case(tmp_path / "2023", "BraTS-GLI-00005-000")

    assert {c.id: c.release.name for c in find_cases(tmp_path)} == {
        "BraTS2021_00006": "brats2021",
        "BraTS-GLI-00005-000": "brats2023",
    }
    assert only(find_cases(tmp_path, "brats2021")).id == "BraTS2021_00006"


def test_an_unknown_release_is_answered_with_those_that_are_known(tmp_path: Path) -> None:
    empty_case(tmp_path, "BraTS-GLI-00005-000")

    with pytest.raises(DataError) as caught:
        find_cases(tmp_path, "brats23")

    message = str(caught.value)
    known = ("auto", "brats2017-2019", "brats2020", "brats2021", "brats2023", "brats2024")
    assert "'brats23'" in message
    assert all(name in message.split("expected")[1] for name in known)


def test_auto_tries_every_release_and_a_name_only_its_own() -> None:
    assert releases_named("auto") == RELEASES
    assert [release.name for release in releases_named("brats2021")] == ["brats2021"]


def test_files_of_another_release_than_the_one_named_are_not_found(tmp_path: Path) -> None:
    empty_case(tmp_path, "BraTS-GLI-00005-000")

    with pytest.raises(DataError, match=r"no case of release brats2021 found.*BraTS-GLI-00005-000"):
        find_cases(tmp_path, "brats2021")


def test_a_root_without_cases_is_answered_with_what_is_there_and_what_was_expected(
    tmp_path: Path,
) -> None:
    for name in ("readme.txt", "scan.nii.gz"):
        (tmp_path / name).touch()

    with pytest.raises(DataError) as caught:
        find_cases(tmp_path)

    message = str(caught.value)
    assert str(tmp_path) in message
    assert "readme.txt, scan.nii.gz" in message
    assert "expected folders such as BraTS-GLI-00000-000/" in message
    assert "\n" not in message


def test_of_a_full_root_without_cases_only_a_few_names_are_shown(tmp_path: Path) -> None:
    for number in range(50):
        (tmp_path / f"file{number:02d}").touch()

    with pytest.raises(DataError, match=r"file00, file01, file02, \.\.\.;"):
        find_cases(tmp_path)


def test_an_empty_root_holds_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="it contains nothing"):
        find_cases(tmp_path)


@pytest.mark.parametrize("kind", ["absent", "file"])
def test_a_root_must_be_a_folder(tmp_path: Path, kind: str) -> None:
    root = tmp_path / "root"
    if kind == "file":
        root.touch()

    with pytest.raises(DataError, match=r"root' is not a folder"):
        find_cases(root)


def test_one_case_in_two_places_is_a_bad_case_that_names_both(tmp_path: Path) -> None:
    places = [empty_case(tmp_path / part, "BraTS-GLI-00005-000") for part in ("one", "two")]
    empty_case(tmp_path / "two", "BraTS-GLI-00006-000")

    cases = find_cases(tmp_path)

    assert [case.id for case in cases] == ["BraTS-GLI-00005-000", "BraTS-GLI-00006-000"]
    (problem,) = cases[0].problems
    assert not problem.is_warning
    assert "was found 2 times" in problem.what
    assert all(str(place) in str(problem) for place in places)
    assert cases[1].problems == ()


@pytest.mark.parametrize("order", [(".nii", ".nii.gz"), (".nii.gz", ".nii")])
def test_of_a_file_and_its_uncompressed_sibling_the_compressed_one_is_read(
    tmp_path: Path, order: tuple[str, str]
) -> None:
    case_id = "BraTS-GLI-00005-000"
    folder = empty_case(tmp_path, case_id, {"t1c": "-t1c"}, order[0])
    (folder / f"{case_id}-t1c{order[1]}").touch()

    case = only(find_cases(tmp_path))

    assert case.images["t1c"].name == f"{case_id}-t1c.nii.gz"
    (problem,) = case.problems
    assert problem.is_warning
    assert problem.file == str(folder / f"{case_id}-t1c.nii")


def test_hidden_folders_are_left_alone(tmp_path: Path) -> None:
    empty_case(tmp_path, "BraTS-GLI-00005-000")
    empty_case(tmp_path / ".trash", "BraTS-GLI-00006-000")
    empty_case(tmp_path / ".trash", "BraTS-GLI-00005-000")

    assert only(find_cases(tmp_path)).id == "BraTS-GLI-00005-000"


def test_a_hidden_root_is_searched(tmp_path: Path) -> None:
    empty_case(tmp_path / ".data", "BraTS-GLI-00005-000")

    assert only(find_cases(tmp_path / ".data")).id == "BraTS-GLI-00005-000"


def test_links_that_lead_back_up_are_followed_once(tmp_path: Path) -> None:
    folder = empty_case(tmp_path / "part", "BraTS-GLI-00005-000")
    (tmp_path / "part" / "up").symlink_to(tmp_path)
    (folder / "here").symlink_to(folder)

    assert only(find_cases(tmp_path)).id == "BraTS-GLI-00005-000"


def test_a_link_to_itself_is_no_folder(tmp_path: Path) -> None:
    empty_case(tmp_path, "BraTS-GLI-00005-000")
    (tmp_path / "loop").symlink_to("loop")

    assert only(find_cases(tmp_path)).id == "BraTS-GLI-00005-000"


def test_linked_cases_are_cases_under_the_name_of_the_link(tmp_path: Path) -> None:
    for case in ("BraTS-GLI-00005-000", "BraTS-GLI-00006-000"):
        real = empty_case(tmp_path / "store", case)
        (tmp_path / "chosen").mkdir(exist_ok=True)
        (tmp_path / "chosen" / case).symlink_to(real)

    assert len(find_cases(tmp_path / "chosen")) == 2


def test_cases_four_levels_down_are_found_and_deeper_ones_are_not(tmp_path: Path) -> None:
    empty_case(tmp_path / "1" / "2" / "3", "BraTS-GLI-00004-000")
    empty_case(tmp_path / "1" / "2" / "3" / "4", "BraTS-GLI-00005-000")

    assert only(find_cases(tmp_path)).id == "BraTS-GLI-00004-000"


def test_as_many_cases_as_brats_2023_has(tmp_path: Path) -> None:
    ids = [f"BraTS-GLI-{number:05d}-000" for number in range(1251)]
    for case in ids:
        empty_case(tmp_path, case, {"t1c": "-t1c"})

    assert [case.id for case in find_cases(tmp_path)] == ids


def test_files_that_are_no_images_are_overlooked(tmp_path: Path) -> None:
    folder = empty_case(tmp_path, "BraTS-GLI-00005-000", {"t1c": "-t1c"})
    for name in ("BraTS-GLI-00005-000-t2f.nii.gz.part", "BraTS-GLI-00005-000-seg.json"):
        (folder / name).touch()

    case = only(find_cases(tmp_path))

    assert (list(case.images), case.segmentation) == (["t1c"], None)


def test_what_was_not_asked_for_is_not_missed(tmp_path: Path) -> None:
    empty_case(tmp_path, "BraTS-GLI-00005-000", {"t1c": "-t1c", "t2f": "-t2f", "seg": "-seg"})
    case = only(find_cases(tmp_path))

    assert missing_files(case, ["t1c"]) is None
    assert missing_files(case, ["t2f", "t1c"]) is None
    for wanted, what in (
        (["t1c", "t2w"], "has no t2w image, only t1c, t2f"),
        (["t1n", "t2w"], "has no t1n and no t2w image, only t1c, t2f"),
    ):
        problem = missing_files(case, wanted)
        assert problem is not None
        assert (problem.case, problem.file) == (case.id, str(case.folder))
        assert problem.what == what


def test_a_segmentation_is_always_missed(tmp_path: Path) -> None:
    empty_case(tmp_path, "BraTS-GLI-00005-000", {"t1c": "-t1c"})

    problem = missing_files(only(find_cases(tmp_path)), ["t1c"])

    assert problem is not None
    assert problem.what == "has no segmentation"


def test_a_name_that_is_not_in_utf_8_stops(tmp_path: Path) -> None:
    root = tmp_path / os.fsdecode(b"\xff")
    (root / "BraTS-GLI-00000-000").mkdir(parents=True)

    with pytest.raises(DataError, match=r"udcff/.*' has a name that is not in UTF-8: rename it"):
        find_cases(root)


def test_a_folder_that_may_not_be_listed_is_a_remark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_case(tmp_path, "BraTS-GLI-00001-000")
    (tmp_path / "lost+found").mkdir()
    scandir = os.scandir

    def refuse(folder: Path) -> Any:
        if Path(folder).name == "lost+found":
            raise PermissionError(errno.EACCES, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr("data_modules.catalog.folders.os.scandir", refuse)
    catalog = read_catalog(tmp_path)
    assert [case.id for case in catalog.cases] == ["BraTS-GLI-00001-000"]
    assert catalog.remarks == ["folders that may not be listed: 1 (lost+found)"]
    with pytest.raises(DataError, match=r"lost\+found' cannot be listed: Permission denied"):
        read_catalog(tmp_path / "lost+found")
