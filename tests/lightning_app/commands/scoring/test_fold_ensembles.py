"""The folds of a cross-validation, with a window around the brain, joined and mirrored."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import yaml
from numpy.typing import NDArray

from lightning_app.cli import main
from lightning_app.report import write
from lightning_app.runs.folder import Run, TestFolder, find_runs
from tests.helpers.toy import toy_config, write_case

FOLDS = 3
PATIENTS = 14


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, toy_root: Path) -> Path:
    """A root with the folds of an experiment, named as ``reproduce`` does."""
    folder = tmp_path_factory.mktemp("trained")
    config = toy_config(toy_root)
    config["trainer"] |= {"logger": False, "default_root_dir": str(folder / "runs")}
    config["data"] |= {"folds": FOLDS, "split_sizes": None, "slices": "all"}
    config["data"] |= {"image_size": [64, 64], "window": "auto"}
    (folder / "toy.yaml").write_text(yaml.safe_dump(config), "utf-8")
    for fold in range(FOLDS):
        words = ["--config", "unet_t1c.yaml", "--config", str(folder / "toy.yaml")]
        words += ["--name", f"unet_t1c_fold{fold}", "--data.fold", str(fold)]
        assert main(["fit", *words]) == 0
    return folder / "runs"


@pytest.fixture(autouse=True)
def _copy(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of them in ``runs`` of the working folder."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(trained, "runs")


def fold(number: int) -> Run:
    (run,) = find_runs(Path(f"runs/unet_t1c_fold{number}"))
    return run


def patients_trained_on(folder: Path) -> tuple[int, int]:
    """The number of tested patients, and of those that were seen."""
    content = json.loads(TestFolder(folder).metrics.read_text("utf-8"))
    return content["patients"], content["patients_trained_on"]


def test_all_folds_are_joined_and_have_seen_the_patients_of_each_other(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert main(["test", "--ensemble", "unet_t1c"]) == 0

    number, seen = patients_trained_on(Path("runs/ensembles/unet_t1c/test"))
    assert number == seen < PATIENTS
    assert f"'{fold(0).path}' has {number} patients, {number} of which other runs" in caplog.text
    output = capsys.readouterr().out
    assert output.startswith("Mean probability of 3 runs:\n")
    assert f"or its best epoch chosen, on {number} of {number} patients: these scores" in output


def test_folds_that_found_other_windows_are_joined_with_the_largest() -> None:
    found = json.loads(fold(0).environment.read_text("utf-8"))["data"]["window"]
    assert found != [64, 64]
    for number, window in ((1, [64, found[1]]), (2, [found[0], 64])):
        environment = json.loads(fold(number).environment.read_text("utf-8"))
        environment["data"]["window"] = window
        fold(number).environment.write_text(json.dumps(environment), "utf-8")

    assert main(["test", "--ensemble", "unet_t1c"]) == 0

    metrics = TestFolder(Path("runs/ensembles/unet_t1c/test")).metrics
    assert json.loads(metrics.read_text("utf-8"))["data"]["window"] == [64, 64]


def test_folds_are_tested_fairly_on_other_data(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_case(tmp_path / "hospital", "BraTS-GLI-00100-000", seed=3)
    data = ["--data.root", str(tmp_path / "hospital"), "--data.split_sizes", "all-test"]

    assert main(["test", "--ensemble", "unet_t1c", *data]) == 0

    (folder,) = Path("runs/ensembles/unet_t1c").iterdir()
    assert patients_trained_on(folder) == (1, 0)
    assert "optimistic" not in caplog.text


def test_mirrored_tests_of_all_folds_are_one_row_and_their_ensemble_is_none_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(write, "all_drawings", lambda *_: [])
    for number in range(FOLDS):
        name = f"unet_t1c_fold{number}"
        assert main(["test", "--run", name]) == 0
        assert main(["test", "--run", name, "--tta", "mirror"]) == 0
    assert main(["test", "--ensemble", "unet_t1c"]) == 0

    assert main(["report"]) == 0

    text = Path("runs/report/runs.csv").read_text("utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    assert [(row["settings"], row["fold"]) for row in rows] == [
        (settings, str(number)) for settings in ("", "mirrored") for number in range(FOLDS)
    ]
    text = Path("runs/report/group-2/runs.csv").read_text("utf-8")
    (row,) = csv.DictReader(text.splitlines())
    assert (row["run"], row["settings"]) == ("ensembles/unet_t1c", "ensemble of 3")


def test_probabilities_from_windows_are_means_over_the_folds(tmp_path: Path) -> None:
    case = write_case(tmp_path / "in", "patient", seed=3, names={"t1c": "-t1c"})
    found: list[NDArray[np.float32]] = []
    for name in ("--ensemble=unet_t1c", *(f"--run={fold(number).path}" for number in range(FOLDS))):
        words = ["--input", str(case), "--output", f"out{len(found)}", "--probabilities"]
        assert main(["predict", name, *words]) == 0
        image = sitk.ReadImage(f"out{len(found)}/probabilities/patient.nii.gz")
        found.append(sitk.GetArrayFromImage(image))

    joined, *single = found
    np.testing.assert_allclose(joined, sum(single) / FOLDS, atol=1e-6)
    assert joined.max() > 0
