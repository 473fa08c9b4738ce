"""real.yaml: the recipe for real patients, with quick.yaml and cpu.yaml, from training to masks."""

import json
from pathlib import Path

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


def test_it_can_be_a_fold_although_quick_yaml_has_split_sizes(program: Program) -> None:
    folds = ("--data.folds", "3", "--data.fold", "1")

    assert program("fit", *REAL, *TOY, *folds) == 0

    (run,) = find_runs(Path("runs"))
    config = yaml.safe_load(run.config.read_text("utf-8"))
    assert (config["data"]["folds"], config["data"]["fold"]) == (3, 1)
