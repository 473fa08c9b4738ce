"""A run whose records are damaged, or made up, does not keep the others from being reported."""

import csv
import shutil
from pathlib import Path

import pytest

from lightning_app.cli import main
from lightning_app.report import write
from lightning_app.runs.folder import Run
from tests.helpers.damaged_records import all_damages
from tests.helpers.toy_runs import ASPP, UNET, ToyRun

CASES = {"A-000": (10, 20, 5), "B-000": (8, 8, 8)}
RECORDS = (
    "config.yaml", "environment.json", "status.json", "network.json", "split.csv", "metrics.csv",
    "timing.json", "test/metrics.json", "test/slices.csv", "test/volumes.csv", "test/timing.json",
)  # fmt: skip


def write_runs(root: Path) -> tuple[Run, Run]:
    """A run, and another one that has all that a record may hold."""
    good = ToyRun(CASES, network=UNET).write(root)
    full = ToyRun(
        CASES,
        network=ASPP,
        data={"spacing": {"x": [1.0, 1.0]}, "slices": [7]},
        environment={"packages": {"torch": "2.13.0"}, "git": {"commit": "abc", "changed": True}},
        computed_with={"precision": "32-true", "acceleration": {"channels_last": True}},
        training=61.5,
        inference=2.25,
    ).write(root)
    return good, full


def reported(root: Path) -> set[str]:
    """The networks in the table of runs."""
    with (root / "report" / "runs.csv").open(encoding="utf-8") as file:
        return {row["network"] for row in csv.DictReader(file)}


@pytest.mark.parametrize("record", RECORDS)
def test_whatever_is_wrong_with_a_record_the_other_run_is_reported(
    record: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(write, "all_drawings", lambda *_: [])  # for the time that drawing takes
    _, run = write_runs(tmp_path)
    path = run.path / record
    whole = path.read_bytes()
    for what, damage in all_damages(path):
        damage()
        assert main(["report", str(tmp_path)]) == 0, what
        lines = capsys.readouterr().out.splitlines()
        assert all(line.isprintable() for line in lines), what
        assert "UNet" in reported(tmp_path), what
        assert len(reported(tmp_path)) == 2 or any(": cannot be read: " in line for line in lines) or any(": not " in line for line in lines), what
        path.write_bytes(whole)
