"""cpu.yaml: a run in another form is still that run."""

import json
from pathlib import Path

import pytest
import torch
import yaml

from lightning_app.runs.folder import Run, find_runs
from tests.conftest import Program
from tests.helpers.processors import pretend_processor
from tests.helpers.toy import write_case

CPU = ("--config", "cpu.yaml")


def test_the_overlay_trains_tests_and_predicts_and_its_checkpoints_need_it_not(
    program: Program, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_processor(monkeypatch, "AVX512")
    assert program("fit", *CPU, experiment="attention_unet_t1c.yaml") == 0
    (run,) = find_runs(Path("runs"))
    config = yaml.safe_load(run.config.read_text("utf-8"))
    assert config["trainer"]["precision"] == "bf16-mixed"
    assert config["acceleration"]["channels_last"]
    write_case(Path("in"), "a", names={"t1c": "-t1c"})
    plainly = [
        "--trainer.precision", "32-true", "--acceleration.channels_last", "false",
        "--acceleration.fold_batch_norm", "false",
    ]  # fmt: skip
    for flags, precision, folded in (([], "bf16-mixed", True), (plainly, "32-true", False)):
        assert program("test", *flags) == 0
        computed_with = json.loads(run.test().metrics.read_text("utf-8"))["computed_with"]
        form = {"channels_last": folded, "fold_batch_norm": folded}
        assert computed_with == {"precision": precision, "acceleration": form}
        assert program("predict", "--input", "in", "--output", "out", *flags) == 0
    capsys.readouterr()

    assert program("fit", "--resume", str(run.path), "--trainer.max_epochs", "2", *plainly) == 0
    said = capsys.readouterr().err
    assert "acceleration.channels_last is False and was True: the weights will not be" in said
    assert "fold_batch_norm" not in said  # training knows nothing of it


def test_a_plain_run_is_tested_and_goes_on_with_the_overlay(
    program: Program,
) -> None:
    assert program("fit") == 0
    (run,) = find_runs(Path("runs"))
    assert program("test", *CPU) == 0
    assert program("fit", "--resume", str(run.path), "--trainer.max_epochs", "2", *CPU) == 0

    after = torch.load(run.last, weights_only=True)["state_dict"]
    assert set(after) == set(torch.load(run.best, weights_only=True)["state_dict"])


def test_without_instructions_for_bfloat16_it_computes_in_float32(
    program: Program, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_processor(monkeypatch, "AVX2")
    said = "trainer.precision is 32-true instead of bf16-mixed"
    assert program("fit", *CPU) == 0
    assert said in capsys.readouterr().out
    (run,) = find_runs(Path("runs"))
    assert precision_of(run) == "32-true"

    longer = ("--trainer.max_epochs", "2")
    assert program("fit", "--resume", str(run.path), *longer, *CPU) == 0
    output = capsys.readouterr()
    assert said in output.out
    assert "bit-identical" not in output.err
    assert precision_of(run) == "32-true"
    assert program("test", *CPU) == 0
    assert computed_with(run) == "32-true"


def test_a_run_in_bfloat16_is_resumed_in_it_and_tested_in_float32_where_that_is_faster(
    program: Program, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_processor(monkeypatch, "AVX512")
    assert program("fit", *CPU) == 0
    (run,) = find_runs(Path("runs"))
    assert precision_of(run) == "bf16-mixed"

    pretend_processor(monkeypatch, "AVX2")
    capsys.readouterr()
    assert program("fit", "--resume", str(run.path), "--trainer.max_epochs", "2") == 0
    slower = "trainer.precision is bf16-mixed, which this device emulates"
    assert slower in capsys.readouterr().out
    assert precision_of(run) == "bf16-mixed"
    assert program("test") == 0
    assert computed_with(run) == "32-true"
    assert program("test", "--trainer.precision", "bf16-mixed") == 0
    assert computed_with(run) == "bf16-mixed"


def precision_of(run: Run) -> object:
    return yaml.safe_load(run.config.read_text("utf-8"))["trainer"]["precision"]


def computed_with(run: Run) -> object:
    return json.loads(run.test().metrics.read_text("utf-8"))["computed_with"]["precision"]
