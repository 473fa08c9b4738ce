"""Means, intervals and comparisons of the masks in folders."""

import json
from pathlib import Path

import pytest

from tests.helpers.masks import evaluate, tumour, write_masks

CASES = [f"BraTS-GLI-{number:05d}-000" for number in range(12)]


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


def test_an_interval_allows_for_the_worst_value_only_if_a_missed_tumour_has_it(
    tmp_path: Path, output: Path
) -> None:
    truth, moved = (
        write_masks(
            tmp_path / name,
            {case: tumour(start + i % 2 * (start > 2)) for i, case in enumerate(CASES)},
        )
        for name, start in (("truth", 2), ("moved", 3))
    )
    evaluate(moved, truth, output)
    scores = json.loads((output / "scores.json").read_text("utf-8"))["scores"]["whole"]

    assert scores["dice"]["low"] < scores["dice"]["value"] - 0.1
    assert scores["specificity"]["low"] > scores["specificity"]["value"] - 0.1
    assert scores["hd95"]["high"] > 20  # half a patient at 374 mm
    assert scores["hd95_both"]["high"] < 5
    assert scores["hd95_both"]["value"] == scores["hd95"]["value"]
