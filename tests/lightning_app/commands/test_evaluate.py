"""The command from files to files: what is refused, what is written, what is said."""

import gzip
import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from lightning_app.cli import main
from lightning_app.evaluation.score_case import CaseJob
from tests.helpers.masks import evaluate, rows_of, tumour, write_masks
from tests.helpers.toy import BRATS_2021, write_case, write_volume

FILES = {"scores.json", "cases.csv", "lesions.csv", "report.html"}
CASES = [f"BraTS-GLI-{number:05d}-000" for number in range(12)]


@pytest.fixture(autouse=True)
def _in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Worker processes take seconds to start."""
    monkeypatch.setattr("lightning_app.evaluation.plan.cores", lambda: 1)


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    return write_masks(tmp_path / "truth", {"A": tumour(), "B": tumour()})


@pytest.fixture
def masks(tmp_path: Path) -> Path:
    return write_masks(tmp_path / "masks", {"A": tumour(), "B": tumour()})


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "scores"


def test_the_ground_truth_itself_is_perfect(masks: Path, truth: Path, output: Path) -> None:
    code, scores, cases = evaluate(masks, truth, output)

    assert code == 0
    assert {path.name for path in output.iterdir()} == FILES
    assert list(scores["scores"]) == ["whole", "core", "enhancing"]
    for by_name in scores["scores"].values():
        perfect = {"dice": 1, "nsd": 1, "hd95": 0, "hd95_both": 0, "lesion_dice": 1}
        assert {name: by_name[name]["value"] for name in perfect} == perfect
        assert by_name["dice"] == {"value": 1, "low": None, "high": None, "n": 2}
    assert [(row["case"], row["region"]) for row in cases[:3]] == [
        ("A", "whole"), ("A", "core"), ("A", "enhancing"),
    ]  # fmt: skip
    assert cases[0]["volume_reference_ml"] == "0.216"


def test_a_mask_that_is_moved_by_a_voxel(truth: Path, tmp_path: Path, output: Path) -> None:
    masks = write_masks(tmp_path / "masks", {"A": tumour(3), "B": tumour(3)})
    _, scores, _ = evaluate(masks, truth, output)

    assert scores["scores"]["whole"]["dice"]["value"] == pytest.approx(5 / 6)
    assert scores["scores"]["enhancing"]["dice"]["value"] == pytest.approx(3 / 4)
    assert scores["scores"]["enhancing"]["hd95"]["value"] == 1
    lesions = rows_of(output / "lesions.csv")
    assert len(lesions) == 6
    assert lesions[0]["kind"] == "found"
    assert float(lesions[2]["dice"]) == pytest.approx(3 / 4)
    assert float(lesions[2]["volume_ml"]) == pytest.approx(0.064)


def test_settings_say_what_was_evaluated(masks: Path, truth: Path, output: Path) -> None:
    _, scores, _ = evaluate(masks, truth, output, "--cohort", "metastases", "--tolerance", "2")

    settings = scores["settings"]
    cohort = {"name": "metastases", "year": 2023, "dilations": 1, "smallest_mm3": 2}
    assert settings["cohort"] == cohort
    assert settings["input"] == str(masks)
    assert settings["reference"] == str(truth)
    assert (settings["tolerance_mm"], settings["cases"], settings["patients"]) == (2, 2, 2)
    assert settings["values"] == "brats2023"


def test_the_terminal_says_what_was_found(
    masks: Path, truth: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluate(masks, truth, output)

    said = capsys.readouterr().out
    for words in (
        "Cases: 2 of 2 patients", "glioma of BraTS 2023, the default", "values: brats2023, the def",
        "at least 10 patients", "dice", "lesion_hd95", str(output),
    ):  # fmt: skip
        assert words in said


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


def test_missing_masks_may_count_as_empty(
    masks: Path, truth: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (masks / "B.nii.gz").unlink()
    code, scores, cases = evaluate(masks, truth, output, "--on_missing", "empty")

    whole = scores["scores"]["whole"]
    assert code == 0
    assert "missing masks that count as empty: 1 of 2 (B)" in capsys.readouterr().out
    assert scores["settings"]["missing"] == ["B"]
    assert whole["hd95"] == {"value": 187, "low": None, "high": None, "n": 2}
    assert whole["hd95_both"] == {"value": 0, "low": None, "high": None, "n": 1}
    assert whole["lesions_missed"]["value"] == 0.5
    assert [cases[3][name] for name in ("dice", "hd95", "nsd")] == ["0.0", "374.0", "0.0"]


@pytest.mark.parametrize(
    ("values", "enhancing", "regions"),
    [("brats2021", 4, ["whole", "core", "enhancing"]), ("whole", 9, ["whole"])],
)
def test_values_that_are_typed(
    values: str, enhancing: int, regions: list[str], tmp_path: Path, output: Path
) -> None:
    truth = write_masks(tmp_path / "truth", {"A": tumour(enhancing=enhancing)})
    masks = write_masks(tmp_path / "masks", {"A": tumour(3, enhancing=enhancing)})
    _, scores, _ = evaluate(masks, truth, output, "--values", values)

    assert list(scores["scores"]) == regions
    assert scores["settings"]["values"] == values
    assert scores["scores"]["whole"]["dice"]["value"] == pytest.approx(5 / 6)
    if "enhancing" in regions:
        assert scores["scores"]["enhancing"]["dice"]["value"] == pytest.approx(3 / 4)


def test_probabilities_are_no_whole_tumour(
    masks: Path, truth: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_volume(masks / "A.nii.gz", (tumour() / 5).astype(np.float32))
    assert evaluate(masks, truth, output, "--values", "whole")[0] == 2
    assert "has the value 0.4 (216 voxels), expected whole numbers" in capsys.readouterr().err


def test_float_label_maps_and_upper_case_endings_are_read(
    truth: Path, tmp_path: Path, output: Path
) -> None:
    write_volume(tmp_path / "masks" / "A.nii.gz", tumour().astype(np.float32))
    write_volume(tmp_path / "masks" / "B.nii", tumour().astype(np.float64))
    (tmp_path / "masks" / "A.nii.gz").rename(tmp_path / "masks" / "A.NII.GZ")
    _, scores, _ = evaluate(tmp_path / "masks", truth, output)
    assert scores["scores"]["whole"]["dice"]["value"] == 1


def test_files_of_other_kinds_are_not_read_and_named(
    masks: Path, truth: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (masks / "A.npz").write_bytes(b"probabilities")
    (masks / "plans.json").write_text("{}")
    assert evaluate(masks, truth, output)[0] == 0
    assert "--input: not read: 1 (A.npz)" in capsys.readouterr().out


def test_a_data_set_as_ground_truth(tmp_path: Path, output: Path) -> None:
    """Its values are those of its release, its origin may be that of the scans."""
    case = "BraTS2021_00001"
    write_case(tmp_path / "data", case, names=BRATS_2021, values=(1, 2, 4), size=16)
    seg = tmp_path / "data" / case / f"{case}_seg.nii.gz"
    labels = sitk.GetArrayFromImage(sitk.ReadImage(str(seg)))
    write_volume(seg, labels, origin=(0, 0, 0))
    labels[labels == 4] = 3
    masks = write_masks(tmp_path / "masks", {case: labels}, origin=(0, -239, 0))
    code, scores, _ = evaluate(masks, tmp_path / "data", output)

    assert code == 0
    assert {by_name["dice"]["value"] for by_name in scores["scores"].values()} == {1}


def test_single_slices_are_scored_in_2d_without_lesions(
    tmp_path: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = tumour()[3:4]
    moved = tumour(3)[3:4]
    sagittal = one.transpose(1, 2, 0)
    truth = write_masks(tmp_path / "truth", {"A": one, "B": sagittal, "C": tumour()})
    masks = write_masks(
        tmp_path / "masks", {"A": moved, "B": moved.transpose(1, 2, 0), "C": tumour()}
    )
    _, scores, cases = evaluate(masks, truth, output)

    whole = scores["scores"]["whole"]
    assert whole["hd95"]["n"] == 3
    assert whole["lesion_dice"] == {"value": 1, "low": None, "high": None, "n": 1}
    assert (cases[0]["hd95"], cases[0]["lesion_dice"]) == ("1.0", "")
    assert cases[3] | {"case": "A", "patient": "A"} == cases[0]
    assert "single slices: 2 of 3 (A, B)" in capsys.readouterr().out


def test_two_tools_are_compared_on_the_same_patients(
    tmp_path: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth, good, bad = (
        write_masks(tmp_path / name, {case: tumour(start) for case in CASES})
        for name, start in (("truth", 2), ("good", 2), ("bad", 5))
    )
    code, _, _ = evaluate(good, truth, output, "--against", str(bad))
    found = json.loads((output / "comparison.json").read_text("utf-8"))["comparison"]

    dice = found["enhancing"]["dice"]
    assert code == 0
    assert dice["difference"]["value"] == pytest.approx(3 / 4)
    assert dice["difference"]["low"] < 3 / 4 < dice["difference"]["high"]
    assert dice["p"] == pytest.approx(2 / 2**12)
    assert dice["holm_p"] == pytest.approx(3 * 2 / 2**12)
    assert dice["verdict"] == "good is better by dice"
    assert found["enhancing"]["lesions_found"]["verdict"] == "no difference in lesions_found shown"
    assert "volume_reference_ml" not in found["whole"]
    assert "enhancing: good is better by dice (p 0.0015, Holm)" in capsys.readouterr().out


def test_a_lower_distance_is_better_whichever_comes_first(tmp_path: Path, output: Path) -> None:
    truth, good, bad = (
        write_masks(tmp_path / name, dict.fromkeys(CASES, labels))
        for name, labels in (("truth", tumour()), ("good", tumour()), ("bad", 0 * tumour()))
    )
    for first, second in ((good, bad), (bad, good)):
        evaluate(first, truth, output, "--against", str(second))
        found = json.loads((output / "comparison.json").read_text("utf-8"))["comparison"]
        assert found["whole"]["hd95"]["verdict"] == "good is better by hd95"
        assert found["whole"]["hd95_both"]["n"] == 0
        assert found["whole"]["hd95_both"]["verdict"] == "not tested"


@pytest.mark.parametrize(("number", "has_interval"), [(1, False), (9, False), (10, True)])
def test_intervals_need_ten_patients(
    number: int, has_interval: bool, tmp_path: Path, output: Path
) -> None:
    cases = CASES[:number]
    truth = write_masks(tmp_path / "truth", {case: tumour() for case in cases})
    masks = write_masks(
        tmp_path / "masks", {case: tumour(2 + index % 3) for index, case in enumerate(cases)}
    )
    _, scores, _ = evaluate(masks, truth, output)
    dice = scores["scores"]["whole"]["dice"]
    assert (dice["low"] is not None) is has_interval
    assert dice["n"] == number


def test_scans_of_a_patient_count_as_one(tmp_path: Path, output: Path) -> None:
    cases = [f"BraTS-GLI-00001-00{number}" for number in range(3)]
    truth = write_masks(tmp_path / "truth", {case: tumour() for case in cases})
    _, scores, rows = evaluate(truth, truth, output)
    assert (scores["settings"]["cases"], scores["settings"]["patients"]) == (3, 1)
    assert {row["patient"] for row in rows} == {"BraTS-GLI-00001"}


def test_an_earlier_evaluation_is_replaced_and_nothing_else(
    masks: Path, truth: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(masks, truth, output, "--against", str(truth))[0] == 0
    assert evaluate(masks, truth, output)[0] == 0
    assert {path.name for path in output.iterdir()} == FILES
    (output / "notes.txt").write_text("mine")
    assert evaluate(masks, truth, output)[0] == 2
    assert "notes.txt, which no evaluation wrote" in capsys.readouterr().err
    assert evaluate(masks, truth, masks)[0] == 2
    assert (masks / "A.nii.gz").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_nothing(
    number: signal.Signals,
    masks: Path,
    truth: Path,
    output: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(CaseJob, "__call__", lambda _: os.kill(os.getpid(), number))
    before = set(output.parent.rglob("*"))
    assert evaluate(masks, truth, output)[0] == 128 + number
    assert set(output.parent.rglob("*")) == before
    assert "nothing was written" in capsys.readouterr().err


def test_worker_processes_give_the_same_files(
    masks: Path, truth: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate(masks, truth, tmp_path / "one")
    monkeypatch.setattr("lightning_app.evaluation.plan.cores", lambda: 2)
    evaluate(masks, truth, tmp_path / "two")
    for name in FILES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--tolerance", "0"], "'0', expected a number of mm, more than 0"),
        (["--tolerance", "nan"], "expected a number of mm"),
        (["--cohort", "gliom"], "invalid choice: 'gliom'"),
        (["--values", "nnunet"], "invalid choice: 'nnunet'"),
    ],
)
def test_a_wrong_option_is_one_line(
    options: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--input", "x", "--reference", "y", "--output", str(tmp_path / "z")]
    with pytest.raises(SystemExit) as stopped:
        main(["evaluate", *arguments, *options])
    said = capsys.readouterr().err
    assert stopped.value.code == 2
    assert words in said
    assert said.count("\n") == 1


def test_names_are_harmless_on_the_page_and_in_tables(tmp_path: Path, output: Path) -> None:
    case: Any = "=<script>1<"
    truth = write_masks(tmp_path / "truth", {case: tumour()})
    assert evaluate(truth, truth, output)[0] == 0
    page = (output / "report.html").read_text("utf-8")
    assert "=&lt;script&gt;1&lt;" in page
    assert case not in page
    assert rows_of(output / "cases.csv")[0]["case"] == f"'{case}"
