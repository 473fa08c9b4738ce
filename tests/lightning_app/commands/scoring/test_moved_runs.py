"""A run's folder that was copied to another machine: other paths, and nothing else of the run."""

import csv
import json
import os
import shlex
import shutil
from pathlib import Path

import pytest
import yaml

from lightning_app.cli import main
from lightning_app.runs.folder import Run, find_runs
from tests.conftest import Program
from tests.helpers.toy import write_case

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def moved(program: Program, toy_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A trained run, alone in a folder with another name; the working folder is empty."""
    assert program("fit") == 0
    (run,) = find_runs(Path("runs"))
    copied = Run(tmp_path / "there" / "aspp")
    shutil.copytree(run.path, copied.path)
    config = yaml.safe_load(copied.config.read_text("utf-8"))
    config["data"]["root"] = "/nowhere/data"
    config["data"]["cache_dir"] = "/nowhere/project/cache"
    copied.config.write_text(yaml.safe_dump(config), "utf-8")
    shutil.rmtree("runs")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return copied


@pytest.fixture
def data(toy_root: Path, tmp_path: Path) -> str:
    """The data of the training in another folder, beside cases that came later."""
    root = tmp_path / "data there"
    shutil.copytree(toy_root, root)
    for number in range(20, 30):
        write_case(root, f"BraTS-GLI-{number:05d}-000", seed=number)
    return str(root)


def cases_in_test(run: Run) -> set[str]:
    with run.test().cases.open(newline="", encoding="utf-8") as file:
        return {row["case"] for row in csv.DictReader(file)}


def cases_to_test(run: Run) -> set[str]:
    with run.split.open(newline="", encoding="utf-8") as file:
        return {row["case"] for row in csv.DictReader(file) if row["side"] == "test"}


def test_it_is_tested_on_its_own_split_and_reported(moved: Run, data: str, capsys: Capture) -> None:
    run = os.path.relpath(moved.path)
    capsys.readouterr()
    assert main(["test", "--run", run, "--data.root", data]) == 0

    output = capsys.readouterr().out
    cache = Path("cache").absolute()
    line = f"data.cache_dir is '/nowhere/project/cache' in '{moved.config}', which cannot be"
    assert f"{line} written on this machine: '{cache}' is used" in output
    assert cache.is_dir()
    assert cases_in_test(moved) == cases_to_test(moved)
    assert "optimistic" not in output
    words = shlex.split(output.splitlines()[-1].partition(": ")[2])[2:]
    assert words == ["report", str(moved.path)]

    assert main(words) == 0
    assert (moved.path / "report" / "report.html").is_file()
    assert main(["test", "--run", run, "--data.root", data]) == 0  # a report does not disturb it


def test_its_training_can_be_resumed(moved: Run, toy_root: Path, capsys: Capture) -> None:
    longer = ["--data.root", str(toy_root), "--trainer.max_epochs", "2"]
    assert main(["fit", "--resume", str(moved.path), *longer]) == 0

    assert json.loads(moved.status.read_text("utf-8"))["epochs"] == 2


def test_without_its_data_a_line_says_what_is_missing(moved: Run, capsys: Capture) -> None:
    capsys.readouterr()
    assert main(["test", "--run", str(moved.path)]) == 2

    error = capsys.readouterr().err.splitlines()[-1]
    assert error == "error: data.root '/nowhere/data' is not a folder"


def test_a_cache_that_was_typed_is_not_replaced(moved: Run, data: str, capsys: Capture) -> None:
    typed = ["--data.cache_dir", "mine"]
    assert main(["test", "--run", str(moved.path), "--data.root", data, *typed]) == 0

    assert Path("mine").is_dir()
    assert not Path("cache").exists()
    assert "data.cache_dir" not in capsys.readouterr().out


def test_predict_says_nothing_of_a_cache_that_it_does_not_use(
    moved: Run, toy_root: Path, capsys: Capture
) -> None:
    case = toy_root / "BraTS-GLI-00000-000"
    capsys.readouterr()
    words = ["predict", "--run", str(moved.path), "--input", str(case), "--output", "masks"]
    assert main(words) == 0

    assert "data.cache_dir" not in capsys.readouterr().out
    assert list(Path("masks").glob("*.nii.gz"))
