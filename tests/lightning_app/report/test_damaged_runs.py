"""A run whose records are damaged, or made up, does not keep the others from being reported."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from lightning_app.report import write
from lightning_app.report.load.runs import read_runs
from lightning_app.runs.folder import Run
from tests.helpers.runs.damaged_records import all_damages
from tests.helpers.runs.toy_runs import ToyRun

CASES = {"A-000": (10, 20, 5), "B-000": (8, 8, 8)}
RECORDS = (
    "config.yaml", "environment.json", "status.json", "network.json", "split.csv", "metrics.csv",
    "timing.json", "test/metrics.json", "test/slices.csv", "test/volumes.csv", "test/timing.json",
)  # fmt: skip


def full_run(root: Path) -> Run:
    """A run with all that a record may hold, and few scores to damage."""
    run = ToyRun(
        CASES,
        data={"spacing": {"x": [1.0, 1.0]}, "slices": [7]},
        seed=1,
        environment={"packages": {"torch": "2.13.0"}, "git": {"commit": "abc", "changed": True}},
        computed_with={"precision": "32-true", "acceleration": {"channels_last": True}},
        training=61.5,
        inference=2.25,
    ).write(root)
    metrics = json.loads(run.test().metrics.read_text("utf-8"))
    metrics["scores"]["whole"] = {"dice": metrics["scores"]["whole"]["dice"]}
    run.test().metrics.write_text(json.dumps(metrics), "utf-8")
    return run


@pytest.mark.parametrize("record", RECORDS)
def test_a_run_with_a_damaged_record_is_left_out_or_reported_beside_the_others(
    record: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ToyRun(CASES, data={"slices": [7]}).write(tmp_path / "good")
    run = full_run(tmp_path / "damaged")
    reported, _ = read_runs(tmp_path / "good")
    path = run.path / record
    whole = path.read_bytes()
    for what, damage in all_damages(path):
        damage()
        runs, left_out = read_runs(tmp_path / "damaged")
        assert len(runs) + len(left_out) == 1, what
        assert all(left.reason.isprintable() for left in left_out), what
        # Without a seed of its own it would be left out as repeated.
        reported += [replace(tested, seed=len(reported)) for tested in runs]
        path.write_bytes(whole)

    monkeypatch.setattr(write, "read_runs", lambda _: (reported, []))
    monkeypatch.setattr(write, "all_drawings", lambda *_: [])  # drawing takes seconds
    assert write.write_report([tmp_path], tmp_path / "report").runs == len(reported)
