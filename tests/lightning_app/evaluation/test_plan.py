"""What is refused: each problem is named, and nothing is written."""

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from tests.helpers.masks import evaluate, tumour, write_masks
from tests.helpers.toy import write_case, write_volume

CASES = [f"BraTS-GLI-{number:05d}-000" for number in range(12)]


def _write_4d(path: Path) -> None:
    nib.save(nib.Nifti1Image(np.zeros((4, 4, 4, 2), np.uint8), np.eye(4)), path)


# Each spoils mask A; and words of the line about it.
Spoil = Callable[[Path], object]
BAD_MASKS: dict[str, tuple[Spoil, tuple[str, ...]]] = {
    "foreign value": (
        lambda path: write_volume(path, tumour(enhancing=7)),
        ("label 7 (64 voxels) is unknown to brats2023, expected 0, 1, 2, 3", "--values"),
    ),
    "value of 2021": (
        lambda path: write_volume(path, tumour(enhancing=4)),
        ("label 4 (64 voxels)", "see --values; up to 2021, 4 was enhancing"),
    ),
    "shape": (
        lambda path: write_volume(path, tumour()[:, :, :-1]),
        ("size 15 x 12 x 8 differs from 16 x 12 x 8 of the ground truth", "resample"),
    ),
    "spacing": (
        lambda path: write_volume(path, tumour(), spacing=(1, 1, 2)),
        ("spacing 1 x 1 x 2 differs from 1 x 1 x 1",),
    ),
    "origin": (
        lambda path: write_volume(path, tumour(), origin=(5, -239, 0)),
        ("origin 5, -239, 0 differs from 0, -239, 0",),
    ),
    "direction": (
        lambda path: write_volume(path, tumour(), direction=(-1, 0, 0, 0, -1, 0, 0, 0, 1)),
        ("direction -1, 0, 0, 0, -1, 0, 0, 0, 1 differs from",),
    ),
    "4-D": (
        _write_4d,
        ("has 4 dimensions", "expected 3"),
    ),
    "truncated": (
        lambda path: path.write_bytes(path.read_bytes()[:-40]),
        ("copy or download it again",),
    ),
    "probabilities": (
        lambda path: write_volume(path, (tumour() / 7).astype(np.float32)),
        ("label 0.285714", "unknown"),
    ),
    "not an image": (lambda path: path.write_bytes(gzip.compress(b"text")), ("A.nii.gz",)),
    "missing": (lambda path: path.unlink(), ("no mask of case A, expected A.nii.gz", "empty")),
    "unknown case": (
        lambda path: shutil.copy(path, path.with_name("AB.nii.gz")),
        ("has no such case", "rename"),
    ),
    "mixed case": (  # which ITK cannot read
        lambda path: path.rename(path.with_name("A.nii.GZ")),
        ("no mask of case A", "--input: not read: 1 (A.nii.GZ)"),
    ),
    "named otherwise": (
        lambda path: path.rename(path.with_name("a-seg.nii.gz")),
        ("no mask of case A", "nearest without a mask: A;"),
    ),
    "two files": (
        lambda path: write_volume(path.with_name("A.nii"), tumour()),
        ("case A has 2 files: also A.nii.gz", "keep one"),
    ),
    "upper case twice": (
        lambda path: shutil.copy(path, path.with_name("A.NII.GZ")),
        ("case A has 2 files", "keep one"),
    ),
}


@pytest.mark.parametrize("kind", BAD_MASKS)
def test_a_bad_mask_is_named_and_nothing_is_written(
    kind: str, masks: Path, truth: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil, words = BAD_MASKS[kind]
    spoil(masks / "A.nii.gz")
    code, _, _ = evaluate(masks, truth, output)

    said = capsys.readouterr().err
    assert code == 2
    assert not output.exists()
    assert all(word in said for word in words), said
    assert "Traceback" not in said


def test_all_problems_of_all_cases_are_listed(
    masks: Path, truth: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_volume(masks / "A.nii.gz", tumour(enhancing=9)[:, 1:], spacing=(2, 1, 1))
    write_volume(truth / "B.nii.gz", tumour(enhancing=8))
    write_volume(masks / "C.nii.gz", tumour())
    code, _, _ = evaluate(masks, truth, output)

    lines = capsys.readouterr().err.splitlines()
    lines = lines[lines.index("error: 4 problems in 3 cases; nothing was computed or written") :]
    assert code == 2
    assert [line.split(":")[0].strip() for line in lines[1:]] == ["A", "A", "B", "C"]


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        (lambda folder: folder.mkdir(), "has no label map: expected files <case>.nii.gz"),
        (lambda folder: (folder / "A").mkdir(parents=True), "it has A"),
        (lambda folder: folder.write_text("x"), "is a file, expected a folder"),
        (lambda folder: None, "does not exist"),
    ],
    ids=["empty", "folder of folders", "file", "nothing"],
)
def test_a_folder_without_masks_is_refused(
    prepare: Callable[[Path], object],
    words: str,
    truth: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    prepare(tmp_path / "wrong")
    for masks, reference in ((tmp_path / "wrong", truth), (truth, tmp_path / "wrong")):
        assert evaluate(masks, reference, tmp_path / "scores")[0] == 2
    first, second, *_ = capsys.readouterr().err.splitlines()
    assert words in first
    assert second.startswith("error: --reference") or "no case found" in second


def test_a_case_that_is_twice_in_a_data_set_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for part in ("one", "two"):
        write_case(tmp_path / "data" / part, CASES[0], size=16)
    masks = write_masks(tmp_path / "masks", {CASES[0]: tumour()})
    assert evaluate(masks, tmp_path / "data", tmp_path / "scores")[0] == 2
    assert f"case {CASES[0]} was found 2 times" in capsys.readouterr().err


def test_probabilities_are_no_whole_tumour(
    masks: Path, truth: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_volume(masks / "A.nii.gz", (tumour() / 5).astype(np.float32))
    assert evaluate(masks, truth, output, "--values", "whole")[0] == 2
    assert "has the value 0.4 (216 voxels), expected whole numbers" in capsys.readouterr().err
