"""Scores of masks in files, by hand."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from tests.helpers.masks import evaluate, rows_of, tumour, write_masks
from tests.helpers.toy import BRATS_2021, write_case, write_volume

FILES = {"scores.json", "cases.csv", "lesions.csv", "report.html"}


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


def test_cases_without_a_mask_may_be_left_out_and_are_named(
    masks: Path, truth: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (masks / "B.nii.gz").unlink()
    code, scores, cases = evaluate(masks, truth, output, "--on_missing", "skip")

    printed = capsys.readouterr().out
    assert code == 0
    assert "Cases: 1 of 2, of 1 patient" in printed
    assert "cases without a mask, not scored: 1 of 2 (B)" in printed
    assert "Means over 1 of 2 cases" in printed
    assert {row["case"] for row in cases} == {"A"}
    settings = scores["settings"]
    assert (settings["on_missing"], settings["left_out"]) == ("skip", ["B"])
    assert (settings["missing"], settings["cases"]) == ([], 1)
    assert scores["scores"]["whole"]["hd95"] == {"value": 0, "low": None, "high": None, "n": 1}
    assert "cases without a mask, not scored: 1 of 2 (B)" in (output / "report.html").read_text(
        "utf-8"
    )


def test_a_comparison_leaves_out_a_case_that_one_of_the_two_lacks(
    masks: Path, truth: Path, tmp_path: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (masks / "A.nii.gz").unlink()
    other = write_masks(tmp_path / "other", {"A": tumour()})
    against = ("--against", str(other), "--on_missing", "skip")
    assert evaluate(masks, truth, output, *against)[0] == 2
    assert "no mask of case A, expected A.nii.gz" in capsys.readouterr().err

    write_masks(other, {"B": tumour(3)})
    code, scores, cases = evaluate(masks, truth, output, *against)
    assert code == 0
    assert {row["case"] for row in cases} == {"B"}
    assert scores["settings"]["left_out"] == ["A"]


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


def test_masks_of_ones_are_pointed_out_unless_their_meaning_is_known(
    truth: Path, tmp_path: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ones = np.where(tumour() > 0, 1, 0).astype(np.uint8)
    masks = write_masks(tmp_path / "ones", {"A": ones, "B": ones})
    assert evaluate(masks, truth, output)[0] == 0
    assert "if it means whole tumour, add --values whole" in capsys.readouterr().out
    for arguments in (("--values", "brats2023"), ("--values", "whole")):
        assert evaluate(masks, truth, output, *arguments)[0] == 0
        assert "if it means whole tumour" not in capsys.readouterr().out
