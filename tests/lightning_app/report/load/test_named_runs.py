"""Which runs the arguments of a report name, and where the report is written."""

import csv
import shutil
from pathlib import Path

import pytest

from lightning_app.cli import main
from lightning_app.report.load.named_runs import named_runs
from lightning_app.runs.folder import Run
from tests.helpers.runs.toy_runs import ASPP, UNET, ToyRun, rate

CASES = {"A-000": (10, 20, 5), "B-000": (8, 8, 8)}


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    """Three runs of a UNet with different rates, the newest last, and an older ASPP elsewhere."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("lightning_app.report.write.all_drawings", lambda *_: [])
    of_unet = [
        ToyRun(CASES, name=f"20260102-00000{n}-aaaaaa", settings=rate(n)).write(Path("runs"))
        for n in (1, 2, 3)
    ]
    return [*of_unet, ToyRun(CASES, network=ASPP).write(Path("elsewhere"))]


def reported(folder: Path) -> list[str]:
    with (folder / "runs.csv").open(newline="", encoding="utf-8") as file:
        return [Path(row["run"]).name for row in csv.DictReader(file)]


def test_runs_experiments_and_folders_of_experiments_can_be_mixed(runs: list[Run]) -> None:
    newest = runs[2]
    assert [run.path.name for run in named_runs([newest.path, Path("elsewhere")])] == [
        newest.path.name, runs[3].path.name
    ]  # fmt: skip
    everything = named_runs([Path("runs/UNet_t2f"), Path("elsewhere"), Path("runs"), newest.path])
    assert [run.path.name for run in everything] == [
        *(run.path.name for run in reversed(runs[:3])), runs[3].path.name
    ]  # fmt: skip


def test_a_renamed_run_and_a_link_to_a_run_are_runs(runs: list[Run]) -> None:
    renamed = runs[0].path.rename(Path("runs/UNet_t2f/best").absolute())
    link = Path("link")
    link.symlink_to(runs[1].path.absolute())
    found = named_runs([renamed, link, runs[1].path])
    assert {run.path for run in found} == {runs[1].path.absolute(), renamed}


def test_two_runs_are_compared_beside_the_report_of_all(
    runs: list[Run], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report"]) == 0
    before = Path("runs/report/report.html").read_bytes()
    assert main(["report", str(runs[0].path), str(runs[2].path)]) == 0

    page = Path("runs/comparison/report.html").absolute()
    assert f"2 runs, 0 left out\nReport: {page}" in capsys.readouterr().out
    assert reported(page.parent) == [runs[0].path.name, runs[2].path.name]
    assert Path("runs/report/report.html").read_bytes() == before


@pytest.mark.parametrize(
    ("paths", "output"),
    [
        (["runs"], "runs/report"),
        (["runs/UNet_t2f"], "runs/UNet_t2f/report"),
        (["runs/UNet_t2f/20260102-000001-aaaaaa"],
         "runs/UNet_t2f/20260102-000001-aaaaaa/report"),
        (["runs/UNet_t2f", "elsewhere"], "runs/comparison"),
        (["runs/UNet_t2f/20260102-000001-aaaaaa", "elsewhere"], "runs/comparison"),
        (["elsewhere", "runs"], "comparison"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("runs")
def test_where_a_report_is_written(paths: list[str], output: str) -> None:
    for _ in range(2):  # the second replaces the first
        assert main(["report", *paths]) == 0
        assert Path(output, "report.html").is_file()


@pytest.mark.parametrize(
    ("paths", "words"),
    [
        (["runs/UNet_t2"], "runs folder 'runs/UNet_t2' does not exist; nearest: runs/UNet_t2f:"),
        (["UNet_t2f"], "runs folder 'UNet_t2f' does not exist; nearest: runs/UNet_t2f:"),
        (["runs", "qqq"], "runs folder 'qqq' does not exist: name a run's folder"),
        (["runs", "empty"], "no run in 'empty'"),
        (["empty"], "no finished and tested run below 'empty' (0 other runs)"),
        (["runs", "file"], "runs folder 'file' is not a folder"),
    ],
)
@pytest.mark.usefixtures("runs")
def test_a_folder_that_leads_to_no_run_is_one_line(
    paths: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("empty").mkdir()
    Path("file").touch()
    assert main(["report", *paths]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {words}")
    assert error.count("\n") == 1
    assert not list(Path().rglob("report.html"))


def test_named_runs_that_cannot_be_reported_are_listed(
    runs: list[Run], capsys: pytest.CaptureFixture[str]
) -> None:
    untested = ToyRun(CASES, network=UNET, name="20260105-000000-aaaaaa").write(Path("runs"))
    untested.test().metrics.unlink()
    assert main(["report", str(untested.path), str(runs[0].path)]) == 0
    assert "1 run, 1 left out\n  UNet_t2f/20260105-000000-aaaaaa: not tested" in (
        capsys.readouterr().out
    )


def test_runs_that_were_copied_into_a_folder_under_other_names_are_found(tmp_path: Path) -> None:
    run = ToyRun({"A-000": (8, 8, 8)}).write(tmp_path / "runs")
    copies = tmp_path / "from the server"
    shutil.copytree(run.path, copies / "my unet")
    (copies / "notes").mkdir()
    (copies / "notes" / "config.yaml").write_text("a: 1", "utf-8")

    assert [found.path for found in named_runs([copies])] == [copies / "my unet"]
