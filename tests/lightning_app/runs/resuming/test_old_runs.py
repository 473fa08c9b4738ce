"""A run that an earlier version of the program trained and tested."""

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from lightning_app.cli import main
from lightning_app.report.load.runs import read_runs
from lightning_app.runs.folder import Run, find_runs
from lightning_app.runs.records import FORMAT_KEY
from tests.conftest import Program

# Trained for two epochs on the toy data set, with flips. Its records have no format number.
ARCHIVE = Path(__file__).with_name("run_of_version_0_1.tar.gz")


@pytest.fixture
def old_run(program: Program) -> Run:
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall("runs", filter="data")
    (run,) = find_runs(Path("runs"))
    return run


def metrics(run: Run) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(run.test().metrics.read_text("utf-8"))
    return content


def values(content: dict[str, Any]) -> dict[str, float | None]:
    return {name: score["value"] for name, score in content["scores"]["whole"].items()}


def test_it_tests_to_the_same_numbers(program: Program, old_run: Run, toy_root: Path) -> None:
    before = metrics(old_run)
    files = {path: path.read_bytes() for path in (old_run.test().slices, old_run.test().cases)}
    cache = str(toy_root.parent / "cache")
    assert FORMAT_KEY not in before
    assert program("test", "--data.root", str(toy_root), "--data.cache_dir", cache) == 0

    after = metrics(old_run)
    assert values(after) == values(before)  # its intervals were others
    assert {path: path.read_bytes() for path in files} == files
    assert after["volumes"]["whole"]["volume_error"]["value"] is not None


def test_it_is_reported_beside_a_new_run(program: Program, old_run: Run, toy_root: Path) -> None:
    options = ("--data.flip", "true", "--data.split_sizes", "[3,1,10]")
    assert program("fit", *options, experiment="attention_unet_t1c.yaml") == 0
    assert program("test") == 0
    assert main(["report"]) == 0

    runs, left_out = read_runs(Path("runs"))
    assert left_out == []
    assert {run.network for run in runs} == {"models.UNet", "models.AttentionUNet"}
    table = Path("runs/report/volumes.md").read_text("utf-8")
    assert "| FLAIR" not in table
    assert "was tested before this score existed" in table.replace("\\", "")
    assert "Group 2" not in Path("runs/report/report.html").read_text("utf-8")
