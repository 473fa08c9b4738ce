"""The table of runs in terminals and pipes, and how the command ends."""

import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lightning_app.cli import main
from lightning_app.runs.folder import Run, find_runs
from tests.helpers.paths import MAIN
from tests.helpers.runs.toy_runs import ToyRun

CASES = {"A-000": (10, 20, 5), "B-000": (8, 8, 8)}  # Dice 2 * 13 / (18 + 28)
DICE = 26 / 46


def write_two(root: Path) -> None:
    now = datetime.now(UTC)
    for hours, rate in ((3, 0.01), (72, 0.001)):
        name = f"{now - timedelta(hours=hours, minutes=1):%Y%m%d-%H%M%S}-aaaaaa"
        settings = {"optimizer": {"init_args": {"lr": rate}}}
        ToyRun(CASES, name=name, settings=settings).write(root)


@pytest.mark.parametrize("columns", ["120", "200", None])
def test_a_wide_terminal_and_a_pipe_show_a_line_for_each_run(
    columns: str | None,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns:
        monkeypatch.setenv("COLUMNS", columns)
    write_two(tmp_path)
    assert main(["runs", str(tmp_path)]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if "UNet_t2f" in line]
    assert [line[1:8] for line in lines] == [
        [age, unit, "finished", "0.5000", "3", f"{DICE:.4f}", line[7]]
        for line, age, unit in zip(lines, ("3", "3"), ("h", "d"), strict=True)
    ]
    assert [line[9:] for line in lines] == [["lr", "0.01"], ["lr", "0.001"]]


def test_a_narrow_terminal_shows_two_lines_for_each_run_and_nothing_is_cut(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)
    write_two(tmp_path)
    assert main(["runs", "."]) == 0
    table = capsys.readouterr().out
    names = {run.path.name for run in find_runs(tmp_path)}
    assert max(map(len, table.splitlines())) <= 80
    assert names <= set(table.split())
    assert table.count("UNet_t2f/") == 2
    assert all(word in table for word in ("finished", "0.5000", f"{DICE:.4f}", "lr 0.001"))


@pytest.mark.parametrize("columns", ["80", "120"])
def test_long_settings_take_more_lines_and_are_not_cut(
    columns: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.chdir(tmp_path)
    for letter in "abc":
        name = f"20260101-000000-{letter * 6}"
        settings = {
            "optimizer": {"init_args": {"lr": f"{letter}-0.0001", "weight_decay": letter * 8}},
            "data": {"batch_size": letter * 8, "num_workers": letter, "flip": letter * 20},
        }
        ToyRun(CASES, name=name, settings=settings).write(tmp_path)
    assert main(["runs", "."]) == 0
    lines = capsys.readouterr().out.splitlines()
    start = next(line.index("settings") for line in lines if "settings" in line)
    assert max(map(len, lines)) <= int(columns)
    words = " ".join(line[start:].strip() for line in lines)
    for letter in "abc":
        assert (
            f"batch_size {letter * 8}, flip {letter * 20}, lr {letter}-0.0001, "
            f"weight_decay {letter * 8}"
        ) in words


def test_the_long_name_of_an_ensemble_cuts_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)
    for number, rate in enumerate(("0.0001", "0.0002")):
        settings = {"optimizer": {"init_args": {"lr": rate}}, "data": {"batch_size": number}}
        ToyRun(CASES, name=f"20260101-00000{number}-abcdef", settings=settings).write(tmp_path)
    name = "unet_f0-be52d1+unet_f1-c403ab+unet_f2-f0e648-mirror"
    (tmp_path / "ensembles" / name / "test").mkdir(parents=True)
    (tmp_path / "ensembles" / name / "test" / "metrics.json").write_text("{}", "utf-8")

    assert main(["runs", "."]) == 0

    output = capsys.readouterr().out
    assert "\N{HORIZONTAL ELLIPSIS}" not in output
    assert all(word in output for word in ("val/dice", "lr 0.0001", "lr 0.0002", "-mirror"))


def test_a_report_beside_runs_is_no_damaged_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ToyRun(CASES).write(tmp_path)
    (tmp_path / "report" / "external-1").mkdir(parents=True)
    (tmp_path / "report" / "report.html").write_text("<html></html>", "utf-8")

    assert main(["runs", str(tmp_path)]) == 0

    assert "external-1" not in "".join(capsys.readouterr())


def test_the_command_needs_no_torch_and_ends_at_a_closed_pipe(tmp_path: Path) -> None:
    ToyRun(CASES).write(tmp_path)
    script = f"{sys.executable} -X importtime {MAIN} runs {tmp_path} 2>&1 >/dev/null | grep torch"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")


def test_an_interrupted_list_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(run: Run) -> str:
        signal.raise_signal(signal.SIGTERM)
        raise AssertionError

    ToyRun(CASES).write(tmp_path)
    monkeypatch.setattr("lightning_app.listing.listed_run.current_status", interrupt)
    assert main(["runs", str(tmp_path)]) == 143
    assert capsys.readouterr().err == "Stopped by SIGTERM: the list is not complete\n"
