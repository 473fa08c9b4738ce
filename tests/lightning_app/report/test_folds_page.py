"""The report of the folds of a cross-validation: its tables, its page and its files."""

import csv
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from lightning_app.cli import main
from lightning_app.report.figures.examples import gallery
from lightning_app.report.load.cohorts import cohorts
from lightning_app.report.load.folds import pool_folds
from lightning_app.report.load.runs import read_runs
from lightning_app.utils.json_csv import write_json
from tests.helpers.runs.toy_folds import FOLDS, fold_run, write_folds
from tests.helpers.runs.toy_runs import ASPP, ATTENTION, ToyRun, masks, twelve_cases

CASES = twelve_cases([3, 30, 12, 25, 38, 7, 33, 19, 28, 36, 22, 15])
OTHERS = twelve_cases([7, 34, 16, 29, 40, 11, 37, 23, 32, 40, 26, 19])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_folds(tmp_path, CASES)
    write_folds(tmp_path, OTHERS, network=ASPP)
    return tmp_path


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_each_setting_is_a_row_over_all_patients(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(root)]) == 0

    assert capsys.readouterr().out.startswith("6 runs, 0 left out\n")
    unet, aspp = rows(root / "report/scores.csv")
    assert (unet["network"], aspp["network"]) == ("UNet", "Attention UNet + ASPP")
    assert float(unet["dice"]) == pytest.approx(sum(c[2] for c in CASES.values()) / (12 * 40))
    caption = (root / "report/scores.md").read_text("utf-8")
    assert "out of fold, 12 patients: 12 cases, 12 slices; 3 folds, split " in caption
    (comparison,) = rows(root / "report/comparisons.csv")
    assert comparison["patients"] == "12"
    listed = rows(root / "report/runs.csv")
    assert [(row["fold"], row["split"]) for row in listed] == 2 * [
        (str(number), f"fold-{number}") for number in range(FOLDS)
    ]


def test_each_size_of_the_windows_of_a_networks_folds_is_listed(tmp_path: Path) -> None:
    for number, run in enumerate(write_folds(tmp_path, CASES)):
        size = {"parameters": 1000, "multiply_adds": 2000, "image_size": [16, 16]}
        wider = {"multiply_adds": 3000, "image_size": [16, 24]} if number else {}
        write_json(run.network, size | wider)

    assert main(["report", str(tmp_path)]) == 0

    listed = rows(tmp_path / "report/networks.csv")
    assert [(row["multiply_adds"], row["image"]) for row in listed] == [
        ("2000", "16 x 16"),
        ("3000", "16 x 24"),
    ]


def test_the_page_tells_how_the_patients_were_tested_and_warns_of_no_split(root: Path) -> None:
    assert main(["report", str(root)]) == 0

    page = (root / "report/report.html").read_text("utf-8")
    assert "The patients were dealt to 3 folds" in page
    assert "out of fold, 12 patients" in page
    assert "different data sets, splits" not in page
    assert "Runs left out" not in page
    first = re.search(r"<h2>Read this first</h2>\s*<ul>(.*?)</ul>", page, re.DOTALL)
    assert first is not None
    assert "fold" not in first.group(1)


def test_pictures_show_each_case_with_the_masks_of_its_fold(root: Path) -> None:
    (group,) = cohorts(pool_folds(read_runs(root)[0])[0])

    shown = gallery(group, "t2f")

    assert shown is not None
    assert shown.cases == sorted(CASES)
    for network, cases in enumerate((CASES, OTHERS)):
        for index, case in enumerate(shown.cases):
            reference, prediction = masks(*cases[case])
            assert np.array_equal(shown.masks[network].reference[index, 0], reference)
            assert np.array_equal(shown.masks[network].prediction[index, 0], prediction)


def test_masks_that_one_fold_lacks_are_noted(root: Path) -> None:
    lacking = next(root.glob("UNet_t2f/*-000001-*"))
    (lacking / "test/masks.npz").unlink()
    (group,) = cohorts(pool_folds(read_runs(root)[0])[0])

    shown = gallery(group, "t2f")

    assert shown is not None
    assert [entry.name for entry in shown.entries] == ["Attention UNet + ASPP"]
    assert "UNet" in shown.notes[0]


def test_an_incomplete_set_is_listed_and_has_no_row(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fold_run(CASES, 1, network=ATTENTION).write(root)

    assert main(["report", str(root)]) == 0

    assert "fold 1 of 3: a row needs all folds, and folds 0, 2 have no" in capsys.readouterr().out
    assert "Attention UNet" not in {row["network"] for row in rows(root / "report/scores.csv")}


def test_one_fold_alone_is_refused_with_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = write_folds(tmp_path, CASES)
    shutil.rmtree(runs[0].path)

    assert main(["report", str(tmp_path)]) == 2

    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "fold 0 has no finished and tested run" in error


def test_a_run_on_another_split_is_a_group_of_its_own(root: Path) -> None:
    ToyRun(CASES, network=ATTENTION).write(root)

    assert main(["report", str(root)]) == 0

    assert len(rows(root / "report/scores.csv")) == 2
    (other,) = rows(root / "report/group-2/scores.csv")
    assert other["network"] == "Attention UNet"
    assert "ut of fold" not in (root / "report/group-2/scores.md").read_text("utf-8")
