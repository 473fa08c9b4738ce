import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from data_modules.catalog.source import MANIFEST
from data_modules.phantom import phantom_case, write_phantom


def digests(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*.nii.gz"))
    }


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("phantom") / "set"
    write_phantom(root, cases=3, depth=2, seed=0, processes=1)
    return root


def test_layout(written: Path) -> None:
    name = "BraTS-GLI-00000-000"
    files = sorted(path.name for path in (written / name).iterdir())
    image = sitk.ReadImage(str(written / name / f"{name}-t2f.nii.gz"))
    labels = sitk.ReadImage(str(written / name / f"{name}-seg.nii.gz"))

    assert files == [f"{name}-{kind}.nii.gz" for kind in ("seg", "t1c", "t1n", "t2f", "t2w")]
    assert image.GetPixelID() == sitk.sitkInt16
    assert labels.GetPixelID() == sitk.sitkUInt8
    for volume in (image, labels):
        assert volume.GetSize() == (240, 240, 2)
        assert volume.GetSpacing() == pytest.approx((1, 1, 77.5))
        assert volume.GetOrigin() == (0, -239, 0)
        assert volume.GetDirection() == (1, 0, 0, 0, 1, 0, 0, 0, 1)


def test_files_hold_the_case(written: Path) -> None:
    case = phantom_case(seed=0, index=2, depth=2)
    path = written / case.name / f"{case.name}-seg.nii.gz"

    np.testing.assert_array_equal(sitk.GetArrayFromImage(sitk.ReadImage(str(path))), case.labels)


def test_row_0_is_in_front(written: Path) -> None:
    image = sitk.ReadImage(str(next(written.glob("*-00000-000/*-t1n.nii.gz"))))
    widths = (sitk.GetArrayFromImage(image)[1] > 0).sum(axis=1)
    rows = np.flatnonzero(widths)

    # The brain is narrower in front than behind.
    assert widths[rows[0] : rows[0] + 50].sum() < widths[rows[-1] - 49 : rows[-1] + 1].sum()


def test_bytes_depend_neither_on_processes_nor_on_the_number_of_cases(
    written: Path, tmp_path: Path
) -> None:
    ids = write_phantom(tmp_path / "set", cases=4, depth=2, seed=0, processes=2)
    more = digests(tmp_path / "set")

    assert len(ids) == len(set(ids)) == 4
    assert more.items() > digests(written).items()


def test_another_seed_gives_other_bytes(written: Path, tmp_path: Path) -> None:
    write_phantom(tmp_path, cases=1, depth=2, seed=1, processes=1, modalities=["t1c"])

    files = digests(tmp_path)
    assert sorted(Path(name).name for name in files) == [
        "BraTS-GLI-00000-000-seg.nii.gz",
        "BraTS-GLI-00000-000-t1c.nii.gz",
    ]
    assert not set(files.items()) & set(digests(written).items())


def test_a_killed_run_is_completed_and_finished_cases_are_kept(tmp_path: Path) -> None:
    ids = write_phantom(tmp_path, cases=3, depth=1, seed=0, processes=1)
    whole = digests(tmp_path)
    kept, broken, missing = (tmp_path / name for name in ids)
    stamp = (kept / f"{kept.name}-seg.nii.gz").stat().st_mtime_ns
    (broken / f"{broken.name}-t2w.nii.gz").unlink()
    missing.rename(tmp_path / f".{missing.name}.part")
    (tmp_path / ".partial-of-an-earlier-version").mkdir()

    assert write_phantom(tmp_path, cases=3, depth=1, seed=0, processes=1) == ids

    assert digests(tmp_path) == whole
    assert (kept / f"{kept.name}-seg.nii.gz").stat().st_mtime_ns == stamp
    assert not list(tmp_path.glob(".*part*"))


def test_a_case_is_completed_without_touching_what_lies_in_its_folder(tmp_path: Path) -> None:
    (case,) = write_phantom(tmp_path, cases=1, depth=1, seed=0, processes=1)
    whole = digests(tmp_path)
    (tmp_path / case / f"{case}-t1n.nii.gz").unlink()
    (tmp_path / case / f"{case}-t2w.nii.gz").write_text("mine")
    (tmp_path / case / "notes.txt").write_text("mine")

    write_phantom(tmp_path, cases=1, depth=1, seed=0, processes=1)

    assert (tmp_path / case / "notes.txt").read_text() == "mine"
    assert (tmp_path / case / f"{case}-t2w.nii.gz").read_text() == "mine"
    changed = {name for name, digest in digests(tmp_path).items() if whole[name] != digest}
    assert changed == {f"{case}/{case}-t2w.nii.gz"}


def test_no_half_case_is_left_when_writing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(sitk, "WriteImage", fail)

    with pytest.raises(OSError, match="disk full"):
        write_phantom(tmp_path, cases=1, depth=1, seed=0, processes=1)
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"cases": 0}, "cases is 0: expected 1 or more"),
        ({"depth": 0}, "depth is 0: expected 1 to 155"),
        ({"depth": 156}, "depth is 156: expected 1 to 155"),
        ({"seed": -1}, "seed is -1: expected 0 or more"),
        ({"processes": 0}, "processes is 0: expected 1 or more"),
        ({"modalities": ["t1"]}, "expected one or more of t1n, t1c, t2w, t2f"),
        ({"modalities": []}, "expected one or more of t1n, t1c, t2w, t2f"),
    ],
)
def test_bad_arguments(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {"cases": 1, "depth": 1, "seed": 0, **changed}

    with pytest.raises(ValueError, match=message):
        write_phantom(tmp_path / "set", **arguments)
    assert not (tmp_path / "set").exists()


def test_a_folder_with_something_else_is_refused(written: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    file = tmp_path / "notes.txt"
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / MANIFEST).write_text("{")

    with pytest.raises(ValueError, match="holds other files"):
        write_phantom(tmp_path, cases=1, depth=1, seed=0)
    with pytest.raises(ValueError, match="a file: expected a folder"):
        write_phantom(file, cases=1, depth=1, seed=0)
    with pytest.raises(ValueError, match="cannot be read"):
        write_phantom(tmp_path / "broken", cases=1, depth=1, seed=0)
    with pytest.raises(ValueError, match=r"another phantom \(seed 0 instead of 5\)"):
        write_phantom(written, cases=3, depth=2, seed=5)
    assert json.loads((written / MANIFEST).read_text())["seed"] == 0
