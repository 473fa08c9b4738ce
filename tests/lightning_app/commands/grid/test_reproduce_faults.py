"""`reproduce` continues after damaged runs, failures and interruptions."""

import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from lightning_app.cli import main
from lightning_app.commands import reproduce
from lightning_app.commands.grid.cells import WantedRun, cells
from lightning_app.runs.folder import find_runs
from tests.lightning_app.commands.grid.conftest import TWO, Calls, names, only_run

DAMAGES = {
    ("config.yaml", "["): "config.yaml: is not valid YAML",
    ("config.yaml", "[]"): "config.yaml: it is a list",
    ("config.yaml", "{}"): "the saved config is not complete: no network",
    ("environment.json", "{"): "environment.json: Expecting property name",
    ("environment.json", '{"data": 3}'): "environment.json: data is 3, expected a mapping",
}


def test_a_damaged_run_is_left_out_with_the_reason(
    calls: Calls, capsys: pytest.CaptureFixture[str]
) -> None:
    one = ["reproduce", "--only", "unet_t1c", "--config", "toy.yaml"]
    assert main(one) == 0
    run = only_run()
    for (record, content), words in DAMAGES.items():
        whole = (run.path / record).read_text("utf-8")
        (run.path / record).write_text(content, "utf-8")
        wanted = WantedRun(cells(["unet_t1c"], 1, ["--config", "toy.yaml"])[0])
        assert wanted.find() is None
        assert wanted.unreadable[run.path].startswith(words)
        (run.path / record).write_text(whole, "utf-8")

    run.environment.write_text("[]", "utf-8")
    calls.clear()
    assert main(one) == 0
    assert names(calls) == ["fit", "test", "report"]
    assert f"Left out: run '{run.path}': environment.json: it is a list" in capsys.readouterr().out


def test_a_run_whose_test_is_damaged_is_tested_again(calls: Calls) -> None:
    one = ["reproduce", "--only", "unet_t1c", "--config", "toy.yaml"]
    assert main(one) == 0
    only_run().test().metrics.write_text("[]", "utf-8")
    calls.clear()
    assert main(one) == 0
    assert names(calls) == ["test", "report"]

    only_run().best.write_text("[]", "utf-8")
    calls.clear()
    assert main(one) == 1
    assert names(calls) == ["test", "report"]


def test_a_failure_is_reported_and_the_others_continue(
    calls: Calls, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    execute: Any = vars(reproduce)["execute"]

    def fail(*arguments: str) -> int:
        return 2 if "unet_t1c.yaml" in arguments else int(execute(*arguments))

    monkeypatch.setattr(reproduce, "execute", fail)
    assert main(["reproduce", *TWO]) == 1
    output = capsys.readouterr().out
    assert "failed (exit code 2)" in output
    assert names(calls) == ["fit", "test", "report"]
    assert [run.experiment for run in find_runs(Path("runs"))] == ["aspp_t2f"]


def test_bad_data_are_a_failure_and_the_others_continue(
    calls: Calls, toy_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(toy_root, "data")
    next(Path("data").glob("*/*-t1c.nii.gz")).unlink()
    assert main(["reproduce", *TWO, "--data.root", "data"]) == 1
    error = capsys.readouterr().err
    assert "unet_t1c, seed 0: bad cases: 1" in error
    assert names(calls) == ["fit", "test", "report"]
    assert [run.experiment for run in find_runs(Path("runs"))] == ["aspp_t2f"]


def test_an_interruption_ends_the_grid(
    calls: Calls, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(reproduce, "execute", lambda *_: 130)
    assert main(["reproduce", *TWO]) == 130
    assert "the same command continues" in capsys.readouterr().err
    assert not calls


def test_a_run_that_another_process_trains_is_waited_for(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["reproduce", *TWO]) == 0
    calls.clear()
    for run in find_runs(Path("runs")):
        run.test().metrics.unlink()
    answers = iter([True, True, False, True, False])  # unet, aspp, then unet, aspp, aspp
    monkeypatch.setattr(reproduce, "is_alive", lambda _: next(answers))
    monkeypatch.setattr(reproduce, "WAIT_S", 0.0)
    assert main(["reproduce", *TWO]) == 0
    assert names(calls) == ["test", "test", "report"]


def test_a_cell_that_another_process_has_claimed_comes_last(
    calls: Calls, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("runs").mkdir()
    other = FileLock("runs/.unet_t1c-0.lock")
    other.acquire()
    monkeypatch.setattr(time, "sleep", lambda _: other.release())  # nothing else was left to do

    assert main(["reproduce", *TWO]) == 0

    experiments = [call[2] for call in calls if call[0] == "fit"]
    assert experiments == ["aspp_t2f.yaml", "unet_t1c.yaml"]
    assert "unet_t1c, seed 0 is being trained by another process" in capsys.readouterr().out
