"""The list of runs: every value against the files, and no folder that stops it."""

import errno
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lightning_app.cli import main
from lightning_app.listing.order import COLUMNS
from lightning_app.runs.folder import Run
from lightning_app.runs.records import write_record
from lightning_app.runs.status import current_status, locked
from tests.helpers.runs.damaged_records import HOSTILE, all_damages
from tests.helpers.runs.toy_runs import ASPP, UNET, ToyRun

CASES = {"A-000": (10, 20, 5), "B-000": (8, 8, 8)}  # Dice 2 * 13 / (18 + 28)
DICE = 26 / 46

Listed = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Listed:
    """A function that lists the runs below the test's folder as JSON."""

    def run(*arguments: str) -> list[dict[str, Any]]:
        capsys.readouterr()
        assert main(["runs", str(tmp_path), "--json", *arguments]) == 0
        content: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
        return content

    return run


def test_a_run_is_listed_with_what_its_files_say(tmp_path: Path, listed: Listed) -> None:
    run = ToyRun(CASES, name="20260102-030405-abcdef").write(tmp_path)
    (entry,) = listed()
    assert entry.pop("test_dice") == pytest.approx(DICE)
    assert entry == {
        "name": "UNet_t2f/20260102-030405-abcdef",
        "path": str(run.path),
        "started": "2026-01-02T03:04:05+00:00",
        "status": "finished",
        "settings": {},
        "val_dice": 0.5,
        "epoch": 2,
        "size_bytes": sum(p.stat().st_size for p in run.path.rglob("*") if p.is_file()),
        "remarks": [],
    }


def test_what_a_run_does_not_have_yet_is_null(tmp_path: Path, listed: Listed) -> None:
    run = ToyRun(CASES, status="running").write(tmp_path)
    shutil.rmtree(run.test().path)
    run.metrics.unlink()
    (entry,) = listed()
    assert [entry[key] for key in ("val_dice", "epoch", "test_dice")] == [None, None, None]
    assert entry["remarks"] == []


def test_the_first_of_several_best_epochs_is_named(tmp_path: Path, listed: Listed) -> None:
    run = ToyRun(CASES).write(tmp_path)
    run.metrics.write_text("epoch,val/dice\n0,0.25\n1,0.75\n2,\n3,0.75\n", "utf-8")
    assert [(entry["val_dice"], entry["epoch"]) for entry in listed()] == [(0.75, 1)]


def test_the_best_epoch_is_that_of_the_checkpoint(tmp_path: Path, listed: Listed) -> None:
    checkpoint = {"monitor": "val/loss", "mode": "min"}
    run = ToyRun(CASES, settings={"best_checkpoint": checkpoint}).write(tmp_path)
    run.metrics.write_text("epoch,val/dice,val/loss\n0,0.25,0.5\n1,0.75,0.4\n2,0.5,0.3\n", "utf-8")
    assert [(entry["val_dice"], entry["epoch"]) for entry in listed()] == [(0.5, 2)]


def test_the_test_dice_is_the_mean_over_classes_that_have_one(
    tmp_path: Path, listed: Listed
) -> None:
    run = ToyRun(CASES).write(tmp_path)
    metrics = json.loads(run.test().metrics.read_text("utf-8"))
    for name, dice in (("core", 0.25), ("enhancing", None)):
        metrics["scores"][name] = {"dice": {"value": dice, "low": None, "high": None}}
    write_record(run.test().metrics, metrics)
    assert [entry["test_dice"] for entry in listed()] == [pytest.approx((DICE + 0.25) / 2)]


def test_a_test_dice_that_is_undefined_is_null(tmp_path: Path, listed: Listed) -> None:
    ToyRun({"A-000": (0, 0, 0)}).write(tmp_path)
    (entry,) = listed()
    assert entry["test_dice"] is None
    assert entry["remarks"] == []


def test_a_run_that_vanishes_while_it_is_listed_is_a_remark(
    tmp_path: Path, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def vanish(run: Run) -> str:
        shutil.rmtree(run.path)
        return current_status(run)

    ToyRun(CASES).write(tmp_path)
    monkeypatch.setattr("lightning_app.listing.listed_run.current_status", vanish)
    (entry,) = listed()
    assert entry["remarks"] == ["there is no config.yaml"]
    assert entry["size_bytes"] == 0


def test_the_test_of_a_part_of_the_split_is_not_shown(tmp_path: Path, listed: Listed) -> None:
    run = ToyRun(CASES).write(tmp_path)
    metrics = json.loads(run.test().metrics.read_text("utf-8"))
    write_record(run.test().metrics, {**metrics, "partial": True})
    assert [entry["test_dice"] for entry in listed()] == [None]


def test_the_status_is_that_of_the_run(tmp_path: Path, listed: Listed) -> None:
    names = [f"20260101-00000{number}-aaaaaa" for number in range(4)]
    statuses = ("finished", "failed", "running", "running")
    runs = [
        ToyRun(CASES, name=name, status=status).write(tmp_path)
        for name, status in zip(names, statuses, strict=True)
    ]
    with locked(runs[2]):
        found = {entry["path"]: entry["status"] for entry in listed()}
        assert [found[str(run.path)] for run in runs] == [
            "finished", "failed", "running", "interrupted",
        ]  # fmt: skip
        assert found == {str(run.path): current_status(run) for run in runs}


def test_columns_sort_the_best_newest_and_largest_first_and_gaps_last(
    tmp_path: Path, listed: Listed
) -> None:
    rates = {"a": 0.1, "b": 0.3, "c": 0.2}
    for number, (letter, rate) in enumerate(rates.items()):
        settings = {"optimizer": {"init_args": {"lr": rate}}}
        network = ASPP if letter == "a" else UNET
        name = f"20260101-00000{number}-{letter * 6}"
        run = ToyRun(CASES, network, name=name, settings=settings).write(tmp_path)
        row = "" if letter == "a" else f"{number},{rate}\n"
        run.metrics.write_text(f"epoch,val/dice\n{row}", "utf-8")
        (run.path / "large").write_bytes(bytes(int(10_000 * rate)))
    orders = {
        "name": "abc", "age": "cba", "settings": "acb", "val/dice": "bca", "epoch": "cba",
        "size": "bca", "status": "cba", "test/dice": "cba",
    }  # fmt: skip

    assert orders.keys() == set(COLUMNS)
    for column, order in orders.items():
        assert "".join(entry["name"][-1] for entry in listed("--sort", column)) == order, column
    by_json_key = [entry["name"][-1] for entry in listed("--sort", "val_dice")]
    assert "".join(by_json_key) == orders["val/dice"]


def test_an_unknown_column_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["runs", "--sort", "dice"])
    assert end.value.code == 2
    assert re.fullmatch(r"error: argument --sort: [^\n]+val/dice[^\n]+\n", capsys.readouterr().err)


@pytest.mark.parametrize("record", ["config", "status", "metrics", "test"])
def test_damage_is_a_remark_and_the_rest_is_shown(
    record: str, tmp_path: Path, listed: Listed
) -> None:
    run = ToyRun(CASES, name="20260101-000000-aaaaaa").write(tmp_path)
    whole = ToyRun(CASES, name="20260101-000000-bbbbbb").write(tmp_path)
    path = run.test().metrics if record == "test" else getattr(run, record)
    content = path.read_bytes()
    remarks = []
    for name, damage in all_damages(path):
        path.write_bytes(content)
        damage()
        entries = {entry["path"]: entry for entry in listed()}
        assert entries[str(whole.path)]["test_dice"] == pytest.approx(DICE), name
        damaged = entries[str(run.path)]
        assert HOSTILE[:4] not in json.dumps(damaged, ensure_ascii=False)
        remarks += damaged["remarks"]
    assert any(remark.startswith(path.name) for remark in remarks)
    assert all("\n" not in remark for remark in remarks)


def test_folders_that_are_no_runs_are_named_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ToyRun(CASES).write(tmp_path)
    ToyRun(CASES).write(tmp_path / "demo")
    for name in ("copy", "copy 2"):
        (tmp_path / "UNet_t2f" / name).mkdir()
    (tmp_path / "UNet_t2f" / "20261341-000000-aaaaaa").mkdir()
    (tmp_path / "notes.txt").touch()
    (tmp_path / "UNet_t2f" / "20260101-000000-cccccc").touch()

    assert main(["runs", str(tmp_path)]) == 0

    assert capsys.readouterr().out.splitlines()[-6:] == [
        f"2 runs below '{tmp_path}'",
        "  UNet_t2f/20261341-000000-aaaaaa: its name has no date and time: 20261341-000000",
        "  UNet_t2f/20261341-000000-aaaaaa: there is no status.json",
        "  UNet_t2f/20261341-000000-aaaaaa: there is no config.yaml",
        "  UNet_t2f/copy and 1 more: no run: neither a run's name nor config.yaml and status.json",
        f"  demo: a folder of other runs: python main.py runs {tmp_path}/demo",
    ]


def test_a_copied_run_is_listed_with_the_start_in_its_status(
    tmp_path: Path, listed: Listed
) -> None:
    run = ToyRun(CASES, name="20260102-030405-abcdef").write(tmp_path)
    copy = tmp_path / "from the server"
    run.path.rename(copy)
    write_record(Run(copy).status, {"status": "finished", "started": "2026-01-02T04:04:05+01:00"})

    (entry,) = listed()

    assert (entry["path"], entry["started"]) == (str(copy), "2026-01-02T03:04:05+00:00")
    assert entry["remarks"] == []
    write_record(Run(copy).status, {"status": "finished"})
    (entry,) = listed()
    assert (entry["started"], entry["remarks"]) == (None, ["its status has no start"])


def test_a_run_that_may_not_be_read_is_a_remark(
    tmp_path: Path, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ToyRun(CASES).write(tmp_path)
    read_text = Path.read_text

    def refuse(path: Path, *arguments: Any, **named: Any) -> str:
        if path == run.config:  # for root there are no permissions
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return read_text(path, *arguments, **named)

    monkeypatch.setattr(Path, "read_text", refuse)
    (entry,) = listed()
    assert entry["remarks"] == ["config.yaml: it cannot be read: Permission denied"]
    assert entry["status"] == "finished"


def test_a_folder_without_runs_is_an_empty_list(
    tmp_path: Path, listed: Listed, capsys: pytest.CaptureFixture[str]
) -> None:
    assert listed() == []
    assert main(["runs", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"0 runs below '{tmp_path}'\n"


def test_a_folder_that_does_not_exist_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "nowhere"]) == 2
    expected = "error: runs folder 'nowhere' does not exist; name it: runs RUNS_DIR\n"
    assert capsys.readouterr().err == expected
