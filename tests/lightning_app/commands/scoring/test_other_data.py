"""Runs tested on data other than those of their training."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from lightning_app.runs.folder import Run, TestFolder, find_runs
from lightning_app.runs.records import read_config, read_split
from tests.conftest import Program
from tests.helpers.toy import write_case

Capture = pytest.CaptureFixture[str]
ALL_TEST = ["--data.split_sizes", "all-test"]


@pytest.fixture
def hospital(tmp_path: Path) -> Path:
    """Six cases of patients that are not in the toy data."""
    for number in range(6):
        write_case(tmp_path / "hospital", f"BraTS-GLI-{100 + number:05d}-000", seed=number)
    return tmp_path / "hospital"


def only_run() -> Run:
    (run,) = find_runs(Path("runs"))
    return run


def only_other_test() -> TestFolder:
    (folder,) = only_run().other_tests()
    return folder


def error_of(capsys: Capture) -> str:
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    return line


def test_from_another_hospital_to_the_report(
    hospital: Path, program: Program, capsys: Capture
) -> None:
    assert program("fit") == 0
    assert program("test") == 0
    data = ["--data.root", str(hospital), *ALL_TEST]
    capsys.readouterr()

    assert program("test", *data) == 0
    output = capsys.readouterr().out
    assert "patients 6, cases 6, slices 6." in output
    assert "optimistic" not in output
    assert "tests all of them" not in output
    metrics = json.loads(only_other_test().metrics.read_text("utf-8"))
    assert (metrics["patients"], metrics["patients_trained_on"]) == (6, 0)

    assert program("report") == 0
    assert "Tests on other data: 1" in capsys.readouterr().out
    text = Path("runs/report/external-1/own_and_external.csv").read_text("utf-8")
    (row,) = csv.DictReader(text.splitlines())
    assert float(row["dice_external"]) == metrics["scores"]["whole"]["dice"]["value"]

    assert program("validate", *data) == 2
    message = "no case in split val, which validate needs: data.split_sizes is all-test"
    assert message in error_of(capsys)
    assert program("fit", *data) == 2
    assert "no case in split train, which fit needs" in error_of(capsys)


def test_a_test_of_a_split_of_other_data_says_how_to_test_all_of_them(
    hospital: Path, program: Program, capsys: Capture
) -> None:
    assert program("fit") == 0
    capsys.readouterr()

    assert program("test", "--data.root", str(hospital)) == 0

    note = "1 of their 6 cases were tested, the test split; --data.split_sizes all-test tests all"
    assert note in capsys.readouterr().out


def test_the_split_file_of_the_training_says_nothing_about_other_data(
    hospital: Path, toy_root: Path, program: Program
) -> None:
    cases = sorted(folder.name for folder in toy_root.iterdir())
    sides = ["train"] * 10 + ["val"] * 2 + ["test"] * 2
    rows = [f"{case},{side}" for case, side in zip(cases, sides, strict=True)]
    Path("split.csv").write_text("\n".join(["case,side", *rows]), "utf-8")
    assert program("fit", "--data.split_file", "split.csv") == 0
    Path("split.csv").unlink()

    assert program("test", "--data.root", str(hospital), *ALL_TEST) == 0
    assert json.loads(only_other_test().metrics.read_text("utf-8"))["cases"] == 6
    assert program("test") == 0  # the run has its split
    assert json.loads(only_run().test().metrics.read_text("utf-8"))["cases"] == 2


def test_a_run_of_a_fold_keeps_its_split_and_has_none_for_other_data(
    hospital: Path, program: Program, tmp_path: Path, toy_root: Path
) -> None:
    root = shutil.copytree(toy_root, tmp_path / "growing")
    folds = ["--data.root", str(root), "--data.folds", "4", "--data.fold", "2"]
    assert program("fit", *folds) == 0
    tested = [case for case, _, split in read_split(only_run().split) if split == "test"]
    write_case(root, "BraTS-GLI-00099-000", seed=99)

    assert program("fit", "--resume", str(only_run().path), "--trainer.max_epochs", "2") == 0
    assert program("test") == 0
    cases = only_run().test().cases.read_text("utf-8").splitlines()[1:]
    assert sorted({line.split(",")[0] for line in cases}) == tested
    assert read_config(only_run().config)["data"]["fold"] == 2

    assert program("test", "--data.root", str(hospital), *ALL_TEST) == 0
    assert json.loads(only_other_test().metrics.read_text("utf-8"))["cases"] == 6


def test_data_to_be_tested_are_prepared(hospital: Path, program: Program, capsys: Capture) -> None:
    data = ["--data.root", str(hospital), *ALL_TEST]

    assert program("prepare", *data) == 0

    output = capsys.readouterr().out
    assert "train / val / test: 0 / 0 / 6 cases" in output
    assert "target in 6 of 6 cases" in output
    assert "Test the newest run on them: python main.py test" in output.splitlines()[-1]
