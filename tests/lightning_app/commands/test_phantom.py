"""The phantom as its users meet it: as a command, and where no data are named."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import yaml

from lightning_app.cli import main
from lightning_app.runs.folder import find_runs
from tests.conftest import Program


def test_the_command_writes_a_data_set_that_a_second_call_keeps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["phantom", "--output", str(tmp_path / "p"), "--cases", "2", "--depth", "1"]
    assert main(command) == 0
    folders = sorted(path for path in (tmp_path / "p").iterdir() if path.is_dir())
    assert len(folders) == 2
    for folder in folders:
        names = sorted(path.name.removeprefix(folder.name) for path in folder.iterdir())
        assert names == [f"-{kind}.nii.gz" for kind in ("seg", "t1c", "t1n", "t2f", "t2w")]
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "p").rglob("*.nii.gz")}

    assert main(command) == 0
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())
    assert "--data.root" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--cases", "0"], "cases is 0"),
        (["--depth", "156"], "depth is 156"),
        (["--seed", "-1"], "seed is -1"),
        (["--cases", "many"], "invalid int value: 'many'"),
        (["--case", "3"], "--case"),
    ],
)
def test_a_mistake_is_one_line(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code: object = main(["phantom", "--output", str(tmp_path / "p"), *arguments])
    except SystemExit as end:
        code = end.code
    error = capsys.readouterr().err
    assert code == 2
    assert error.count("\n") == 1
    assert words in error
    assert not (tmp_path / "p").exists()


PHANTOM = ["--data.root", "null", "--data.phantom.cases", "4", "--data.phantom.depth", "1"]


def test_without_data_a_phantom_is_made_and_everything_says_so(
    program: Program, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = [*PHANTOM, "--data.cache_dir", str(tmp_path / "own"), "--data.image_size", "[240,240]"]
    assert program("fit", *flags) == 0
    assert "SYNTHETIC PHANTOM" in capsys.readouterr().out
    for command in ("test", "validate"):
        assert program(command) == 0
        assert "synthetic phantom" in capsys.readouterr().out

    (run,) = find_runs(Path("runs"))
    assert json.loads(run.environment.read_text("utf-8"))["data"]["kind"] == "phantom"
    assert json.loads(run.test().metrics.read_text("utf-8"))["data"]["kind"] == "phantom"
    assert yaml.safe_load(run.config.read_text("utf-8"))["data"]["root"] == "phantom"


def test_a_run_on_the_phantom_is_tested_on_it_whatever_the_surroundings_say(
    program: Program, tmp_path: Path, toy_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = ["--data.cache_dir", str(tmp_path / "own")]
    assert program("fit", *PHANTOM, *cache) == 0
    monkeypatch.setenv("BRATS_ROOT", str(toy_root))
    assert program("test") == 0

    (run,) = find_runs(Path("runs"))
    assert json.loads(run.test().metrics.read_text("utf-8"))["data"]["kind"] == "phantom"

    assert main(["fit", "--config", str(run.config)]) == 0  # and so is the config fed back
    again = find_runs(Path("runs"))
    assert [found.experiment for found in again] == ["unet_t1c"] * 2
    assert all(found.split.read_bytes() == run.split.read_bytes() for found in again)


@pytest.mark.parametrize("as_root", [False, True])
def test_a_phantom_of_another_seed_has_other_patients(
    *, as_root: bool, program: Program, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cache = ["--data.cache_dir", str(tmp_path / "own")]
    assert program("fit", *PHANTOM, *cache) == 0
    other = ["--data.phantom.seed", "1"]
    if as_root:
        other = ["--data.root", str(tmp_path / "p")]
        written = ["--output", str(tmp_path / "p"), "--cases", "4", "--depth", "1"]
        assert main(["phantom", *written, "--seed", "1"]) == 0
    capsys.readouterr()

    assert program("test", *other) == 0
    assert "--data.split_sizes all-test tests all of them" in capsys.readouterr().out
    assert program("test", *other, "--data.split_sizes", "all-test") == 0
    assert "optimistic" not in capsys.readouterr().out


def test_a_larger_phantom_of_the_same_seed_has_the_patients_of_the_training(
    program: Program, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cache = ["--data.cache_dir", str(tmp_path / "own")]
    assert program("fit", *PHANTOM, *cache) == 0
    capsys.readouterr()

    larger = ["--data.phantom.cases", "5", "--data.split_sizes", "all-test"]
    assert program("test", *larger) == 0

    (run,) = find_runs(Path("runs"))
    rows = csv.DictReader(run.split.read_text("utf-8").splitlines())
    seen = {row["patient"] for row in rows if row["side"] != "test"}
    assert f"on {len(seen)} of 5 patients: these scores are optimistic" in capsys.readouterr().out


def test_a_phantom_given_as_data_root_is_still_called_one(
    program: Program, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(tmp_path / "p")
    assert main(["phantom", "--output", folder, "--cases", "4", "--depth", "1"]) == 0
    assert program("fit", "--data.root", folder) == 0

    assert "SYNTHETIC PHANTOM" in capsys.readouterr().out


def test_a_bad_phantom_option_of_fit_is_one_line(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("fit", "--data.root", "null", "--data.phantom.depth", "200") == 2

    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "depth is 200" in error


def test_its_slices_look_like_brats_to_the_reader(tmp_path: Path) -> None:
    command = ["phantom", "--output", str(tmp_path), "--cases", "1", "--depth", "3"]
    assert main(command) == 0
    (path,) = tmp_path.rglob("*-t2f.nii.gz")
    image = sitk.ReadImage(str(path))
    assert image.GetSize() == (240, 240, 3)
    assert image.GetDirection() == (1, 0, 0, 0, 1, 0, 0, 0, 1)
    brain = sitk.GetArrayFromImage(image)[1] > 0
    rows, columns = np.nonzero(brain)
    assert 100 < rows.mean() < 140
    assert 100 < columns.mean() < 140
