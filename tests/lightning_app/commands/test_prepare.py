"""The prepare command."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lightning_app.cli import main
from tests.conftest import Program
from tests.helpers.toy import write_dataset


def test_it_needs_no_config(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["prepare", "--data.root", "nowhere"]) == 2
    assert capsys.readouterr().err == f"error: data.root '{tmp_path}/nowhere' is not a folder\n"


def test_notes_and_all_bad_cases_are_listed_even_if_no_split_is_possible(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    root = write_dataset(tmp_path / "data", 4)
    (root / "scan.nii.gz").touch()
    (root / "BraTS-GLI-00000-000" / "BraTS-GLI-00000-000-t1c.nii.gz").write_bytes(b"no image")
    (root / "BraTS-GLI-00001-000" / "BraTS-GLI-00001-000-t1c.nii.gz").unlink()

    code = main(["prepare", "--data.root", str(root), "--data.split_sizes", "[2,1,1]"])

    printed = capsys.readouterr()
    assert code == 1
    assert "Note: images or archives that are not read" in printed.out
    assert "scan.nii.gz" in printed.out
    assert "Bad cases: 2." in printed.out
    assert "is not gzip-compressed" in printed.out
    assert "asks for 4 cases, there are 3" in printed.err


def test_files_of_two_patients_are_checked_before_it_says_that_a_split_needs_three(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    root = write_dataset(tmp_path / "data", 2)
    assert main(["prepare", "--data.root", str(root)]) == 2
    printed = capsys.readouterr()
    assert printed.out == "Bad cases: 0. Further cases to look at: 0.\n"
    assert "2 cases of 2 patients found, and a split needs three patients" in printed.err

    (root / "BraTS-GLI-00000-000" / "BraTS-GLI-00000-000-t1c.nii.gz").write_bytes(b"no image")
    assert main(["prepare", "--data.root", str(root)]) == 1
    printed = capsys.readouterr()
    assert "is not gzip-compressed" in printed.out
    assert "a split needs three patients" in printed.err


def test_the_picture_shows_slices_before_and_after_augmentation(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[tuple[NDArray[np.floating], list[str]]] = []

    def draw(
        path: Path, images: NDArray[np.floating], masks: object, titles: list[str], *_: object
    ) -> None:
        drawn.append((images, titles))

    monkeypatch.setattr("lightning_app.commands.prepare.draw_batch", draw)
    assert program("prepare") == 0
    assert program("prepare", "--data.augmentation", "strong") == 0

    (stored, plain), (both, titles) = drawn
    assert np.array_equal(both[::2], stored)
    assert not np.array_equal(both[1::2], stored)
    assert titles[:2] == [f"{plain[0]}\nas stored", f"{plain[0]}\naugmented"]


def test_an_unknown_augmentation_is_refused(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        program("fit", "--data.augmentation", "srtong")
    assert stopped.value.code == 2
    assert "strong" in capsys.readouterr().err
