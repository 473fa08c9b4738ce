"""The commands that use a trained run take its best weights, which need not be its last."""

import csv
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from lightning_app.runs.folder import Run, find_runs
from tests.conftest import Program

BEST_EPOCH, LAST_EPOCH = 3, 7


@pytest.fixture
def run(program: Program) -> Run:
    """A run whose best weights predict every pixel, and whose last weights predict none."""
    assert program("fit") == 0
    (run,) = find_runs(Path("runs"))
    for path, epoch, logit in ((run.best, BEST_EPOCH, 1000.0), (run.last, LAST_EPOCH, -1000.0)):
        checkpoint = torch.load(path, weights_only=True)
        checkpoint["epoch"] = epoch
        checkpoint["state_dict"]["network.head.weight"].zero_()
        checkpoint["state_dict"]["network.head.bias"].fill_(logit)
        torch.save(checkpoint, path)
    return run


@pytest.fixture(params=["named", "chosen"])
def arguments(request: pytest.FixtureRequest, run: Run) -> list[str]:
    """Options that name the run; without them, beside a newer run that has no best weights."""
    if request.param == "named":
        return ["--run", str(run.path)]
    newer = Run(run.path.with_name("99990101-000000-ffffff"))
    shutil.copytree(run.path, newer.path)
    newer.best.unlink()
    return []


def test_test_scores_the_best_weights(program: Program, run: Run, arguments: list[str]) -> None:
    assert program("test", *arguments) == 0

    metrics = json.loads(run.test().metrics.read_text("utf-8"))
    assert (metrics["checkpoint"]["file"], metrics["checkpoint"]["epoch"]) == ("best.ckpt", 3)
    with run.test().slices.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    predicted = [int(row["tp"]) + int(row["fp"]) for row in rows]
    assert predicted == [32 * 32] * len(rows) != []


def test_validate_scores_the_best_weights(
    program: Program, run: Run, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert program("validate", *arguments) == 0

    output = capsys.readouterr().out
    assert f"Run: {run.path}" in output
    assert re.findall(r"^recall +([\d.]+)", output, re.MULTILINE) == ["1.000"]


def test_predict_draws_with_the_best_weights(
    program: Program, toy_root: Path, arguments: list[str]
) -> None:
    case = "BraTS-GLI-00000-000"
    to = ["--input", str(toy_root / case), "--output", "maps"]
    assert program("predict", *to, *arguments) == 0

    (path,) = Path("maps").glob("*.nii.gz")
    label_map = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
    assert np.count_nonzero(label_map, axis=(1, 2)).tolist() == [32 * 32] * 4
