"""Trainings, tests and predictions of a part of the data, and what says that they are."""

import csv
import json
import shutil
from pathlib import Path

import pytest
import torch
import yaml

from lightning_app.report.load.runs import read_runs
from lightning_app.runs.folder import Run, find_runs
from lightning_app.runs.status import read_status
from tests.conftest import Program

# Eight batches of the training split, three of each other split.
SPLIT = ["--data.split_sizes", "[8,3,3]", "--data.slices", "all"]


def only_run() -> Run:
    (run,) = find_runs(Path("runs"))
    return run


def slices_in(folder: Path) -> int:
    with (folder / "slices.csv").open(newline="", encoding="utf-8") as file:
        return len(list(csv.DictReader(file)))


def test_limits_in_the_config_of_a_run_do_not_limit_what_is_scored(
    program: Program, toy_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kinds = ("val", "test", "predict")
    saved = [word for kind in kinds for word in (f"--trainer.limit_{kind}_batches", "2")]
    assert program("fit", *SPLIT, *saved) == 0
    run = only_run()
    for case in ("BraTS-GLI-00000-000", "BraTS-GLI-00001-000", "BraTS-GLI-00002-000"):
        shutil.copytree(toy_root / case, Path("three") / case)

    for command, kind in zip(("validate", "test", "predict"), kinds, strict=True):
        capsys.readouterr()
        to = ["--input", "three", "--output", "maps"] if command == "predict" else []
        assert program(command, *to) == 0
        output = capsys.readouterr().out
        assert f"Ignored: trainer.limit_{kind}_batches is 2" in output
        assert f"in '{run.config}': only a limit that is typed for {command} counts" in output
        if command == "validate":
            assert "slices 12." in output
            assert "Partial" not in output
    assert slices_in(run.test().path) == 12
    assert json.loads(run.test().metrics.read_text("utf-8"))["partial"] is False
    assert len(list(Path("maps").glob("*.nii.gz"))) == 3

    assert program("validate", "--trainer.limit_val_batches", "null") == 0  # typed: nothing is left
    output = capsys.readouterr().out
    assert "slices 12." in output
    assert program("validate", "--trainer.limit_val_batches", "2") == 0
    output = capsys.readouterr().out
    assert "Partial validation: 8 of 12 slices of the validation split." in output
    assert "Limits in force: trainer.limit_val_batches is 2" in output
    assert "Ignored" not in output


def test_a_typed_limit_tests_a_part_into_a_folder_that_no_report_reads(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("fit", *SPLIT) == 0
    assert program("test", "--trainer.limit_test_batches", "1000") == 0  # no limit, in fact
    run = only_run()
    assert slices_in(run.test().path) == 12
    before = run.test().metrics.read_bytes()
    capsys.readouterr()

    assert program("test", "--trainer.limit_test_batches", "2") == 0

    output = capsys.readouterr().out
    assert "Limits in force: trainer.limit_test_batches is 2" in output
    assert "Partial test: 8 of 12 slices of the test split; no report reads it." in output
    assert run.test().metrics.read_bytes() == before
    part = run.path / "test-partial"
    assert slices_in(part) == 8
    assert json.loads((part / "metrics.json").read_text("utf-8"))["partial"] is True
    ((used,), (left,)) = read_runs(Path("runs"))
    assert len(used.table.slices) == 12
    name = f"unet_t1c/{run.path.name}/test-partial"
    assert (left.name, left.reason) == (name, "tested on a part of the test split")

    assert program("test", "--trainer.limit_test_batches", "2", "--data.split_seed", "1") == 0
    assert len(list(run.path.glob("test-*-partial"))) == 1
    assert slices_in(part) == 8


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("limit_train_batches", "2"),
        ("limit_val_batches", "0.5"),
        ("overfit_batches", "1"),
        ("max_steps", "10"),  # in the second of two epochs
        ("max_time", "00:00:00:00"),
        ("fast_dev_run", "True"),
    ],
)
def test_a_partial_training_says_so_and_is_left_out_of_reports(
    option: str, value: str, program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    limited = f"trainer.{option} is {value}"

    assert program("fit", *SPLIT, "--trainer.max_epochs", "2", f"--trainer.{option}={value}") == 0

    before, _, after = capsys.readouterr().out.partition("Data: ")
    ends = option in {"max_steps", "max_time"}
    start = "The training may end before its last epoch" if ends else "Partial training"
    assert f"{start}: {limited}" in before
    assert f"Trained in part: {limited}" in after
    assert "Reports leave this run out" in after
    run = only_run()
    if option not in {"fast_dev_run", "max_time"}:  # which leave no checkpoint here
        assert program("test") == 0
        assert f"{run.path.name} (trained in part: {limited}" in capsys.readouterr().out
    (used, (left,)) = read_runs(Path("runs"))
    assert used == []
    assert left.reason.startswith(f"trained in part: {limited}")


def test_limits_that_were_not_reached_make_no_part(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    limits = ["--trainer.max_time", "01:00:00:00", "--trainer.max_steps", "8"]
    assert program("fit", *SPLIT, *limits, "--trainer.limit_val_batches", "1.0") == 0
    assert "in part" not in capsys.readouterr().out
    assert read_status(only_run())["ended_by"] is None
    assert program("test") == 0
    assert read_runs(Path("runs"))[1] == []


def test_a_training_that_was_ended_early_is_whole_once_it_is_resumed_to_its_end(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    two = ["--trainer.max_epochs", "2"]
    assert program("fit", *SPLIT, *two, "--trainer.max_steps", "8") == 0
    assert read_status(only_run())["ended_by"] == "trainer.max_steps"
    capsys.readouterr()

    assert program("fit", "--resume", "unet_t1c", "--trainer.max_steps", "-1") == 0

    assert "in part" not in capsys.readouterr().out
    assert read_status(only_run())["ended_by"] is None


def test_a_part_that_an_earlier_version_tested_is_left_out(program: Program) -> None:
    assert program("fit", *SPLIT) == 0
    assert program("test") == 0
    run = only_run()
    whole = json.loads(run.test().metrics.read_text("utf-8"))
    del whole["partial"]
    run.test().metrics.write_text(json.dumps(whole), "utf-8")
    assert read_runs(Path("runs"))[1] == []

    fewer_cases = {**whole, "cases": 2}
    run.test().metrics.write_text(json.dumps(fewer_cases), "utf-8")
    reason = f"tested on a part of the test split: python main.py test --run {run.path}"
    assert [left.reason for left in read_runs(Path("runs"))[1]] == [reason]

    run.test().metrics.write_text(json.dumps(whole), "utf-8")
    config = yaml.safe_load(run.config.read_text("utf-8"))
    config["trainer"]["limit_test_batches"] = 1
    run.config.write_text(yaml.safe_dump(config), "utf-8")
    assert [left.reason for left in read_runs(Path("runs"))[1]] == [reason]

    assert program("test") == 0
    assert read_runs(Path("runs"))[1] == []


def test_workers_are_not_started_again(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    again = ("--trainer.reload_dataloaders_every_n_epochs", "1", "--data.num_workers", "1")
    assert program("fit", *SPLIT, *again) == 2
    assert "expected 0 with data.num_workers" in capsys.readouterr().err
    assert not Path("runs").exists()


def test_options_for_finding_faults_change_no_number(program: Program) -> None:
    two = [*SPLIT, "--trainer.max_epochs", "2"]
    assert program("fit", *two) == 0
    assert (
        program(
            "fit", *two, "--trainer.detect_anomaly", "true", "--trainer.inference_mode", "false",
            "--trainer.reload_dataloaders_every_n_epochs", "1", "--trainer.num_sanity_val_steps",
            "2",
        )
        == 0
    )  # fmt: skip

    other, plain = find_runs(Path("runs"))
    first, second = (torch.load(r.last, weights_only=True)["state_dict"] for r in (other, plain))
    assert all(torch.equal(first[name], second[name]) for name in second)
    assert other.metrics.read_text("utf-8") == plain.metrics.read_text("utf-8")
