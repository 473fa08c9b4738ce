"""real.yaml: the recipe for real patients, with quick.yaml and cpu.yaml, from training to masks."""

import csv
import json
from pathlib import Path
from statistics import fmean

import pytest
import torch
import yaml

from lightning_app.runs.folder import find_runs
from tests.conftest import Program
from tests.helpers.toy import write_case

REAL = ("--config", "quick.yaml", "--config", "real.yaml", "--config", "cpu.yaml")
TOY = (
    "--trainer.max_epochs", "2", "--model.network.init_args.widths", "[2,4]",
    "--trainer.precision", "32-true",
)  # fmt: skip


def test_the_overlay_trains_with_what_it_names_and_its_run_is_tested_and_predicts(
    program: Program,
) -> None:
    assert program("fit", *REAL, *TOY) == 0
    (run,) = find_runs(Path("runs"))
    config = yaml.safe_load(run.config.read_text("utf-8"))
    expected = {
        "slices": "all", "window": "auto", "batch_size": 16, "tumour_share": 0.5,
        "augmentation": "strong",
    }  # fmt: skip
    assert {name: config["data"][name] for name in expected} == expected
    assert config["best_checkpoint"] == {"monitor": "val/dice_case", "mode": "max"}
    best, last = (torch.load(path, weights_only=True) for path in (run.best, run.last))
    assert "averaging_state" in last
    trained = last["current_model_state"]
    assert any(not torch.equal(value, trained[name]) for name, value in best["state_dict"].items())

    assert program("test") == 0
    tested = json.loads(run.test().metrics.read_text("utf-8"))["data"]
    assert tested["eval_slices"] == "all"
    write_case(Path("in"), "a", names={"t1c": "-t1c"})
    assert program("predict", "--input", "in", "--output", "out") == 0
    assert len(list(Path("out").glob("a.nii.gz"))) == 1


def test_with_several_classes_it_follows_the_mean_over_cases_and_classes(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("fit", *REAL, *TOY, "--data.target", "regions") == 0

    (run,) = find_runs(Path("runs"))
    with run.metrics.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    means = [
        fmean(float(row[f"val/{name}/dice_case"]) for name in ("whole", "core", "enhancing"))
        for row in rows
    ]
    assert [float(row["val/dice_case"]) for row in rows] == pytest.approx(means)
    assert torch.load(run.best, weights_only=True)["epoch"] == means.index(max(means))

    capsys.readouterr()
    assert program("validate") == 0
    assert f"val/dice_case: {max(means):.4f}" in capsys.readouterr().out


def test_it_can_be_a_fold_although_quick_yaml_has_split_sizes(program: Program) -> None:
    folds = ("--data.folds", "3", "--data.fold", "1")

    assert program("fit", *REAL, *TOY, *folds) == 0

    (run,) = find_runs(Path("runs"))
    config = yaml.safe_load(run.config.read_text("utf-8"))
    assert (config["data"]["folds"], config["data"]["fold"]) == (3, 1)


def test_a_run_is_resumed_and_tested_with_the_config_that_it_was_started_with(
    program: Program,
) -> None:
    assert program("fit", *REAL, *TOY) == 0
    (run,) = find_runs(Path("runs"))
    averaging = yaml.safe_load(run.config.read_text("utf-8"))["trainer"]["callbacks"]
    assert len(averaging) == 1

    longer = ("--trainer.max_epochs", "3")
    assert program("fit", "--resume", str(run.path), *REAL, *TOY, *longer) == 0
    assert yaml.safe_load(run.config.read_text("utf-8"))["trainer"]["callbacks"] == averaging
    assert program("test", "--run", str(run.path), "--config", "real.yaml") == 0


def test_two_of_a_callback_that_can_be_there_once_are_a_line(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    again = "--trainer.callbacks+=callbacks.weight_averaging.WarmedUpAverage"

    assert program("fit", *REAL, *TOY, again, "--trainer.callbacks.decay=0.5") == 2

    assert capsys.readouterr().err.splitlines()[-1] == (
        "error: trainer.callbacks: Found more than one stateful callback of type "
        "`WarmedUpAverage`: leave one of them out"
    )
