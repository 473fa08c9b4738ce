"""The scores of tested runs as rows."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from lightning_app import read_scores
from lightning_app.utils.errors import UsageError
from tests.helpers.paths import ROOT
from tests.helpers.runs.external_tests import add_external_test
from tests.helpers.runs.toy_runs import ASPP, ToyRun, rate, twelve_cases

SLOW = ToyRun(twelve_cases([20] * 12), settings=rate(0.0005), name="20260101-000000-aaaaaa")
FAST = ToyRun(twelve_cases(range(10, 34, 2)), settings=rate(0.01), name="20260102-000000-bbbbbb")


def test_a_row_has_a_mean_with_its_interval_and_the_settings_of_its_run(tmp_path: Path) -> None:
    slow, fast = SLOW.write(tmp_path / "runs"), FAST.write(tmp_path / "runs")

    means = read_scores(tmp_path / "runs").means

    by_run = {row["run"]: row for row in means if (row["kind"], row["score"]) == ("pixels", "dice")}
    assert [*by_run] == [str(fast.path), str(slow.path)]  # the newest first
    assert by_run[str(slow.path)]["settings"] == "lr 0.0005"
    row = by_run[str(fast.path)]
    assert row | {"low": 0, "high": 0} == {
        "run": str(fast.path), "experiment": "UNet_t2f", "network": "UNet", "modality": "t2f",
        "test": "own", "data": "phantom", "data_set": "phantom", "seed": 0, "fold": None,
        "settings": "lr 0.01",
        "fingerprint": "print-t2f", "split": "split-a", "target": "whole", "eval_slices": "middle",
        "class": "whole", "kind": "pixels", "score": "dice",
        "value": pytest.approx(sum(range(10, 34, 2)) / 12 / 40), "low": 0, "high": 0,
    }  # fmt: skip
    assert 0.3 < row["low"] < row["value"] < row["high"] < 0.8


def test_external_tests_have_rows_of_their_own(tmp_path: Path) -> None:
    slow, fast = SLOW.write(tmp_path / "runs"), FAST.write(tmp_path / "runs")
    external = add_external_test(slow, twelve_cases([30] * 12))

    scores = read_scores(tmp_path / "runs")

    dice = [row for row in scores.means if (row["kind"], row["score"]) == ("pixels", "dice")]
    assert [(row["run"], row["test"], row["data_set"], row["settings"]) for row in dice] == [
        (str(fast.path), "own", "phantom", "lr 0.01"),
        (str(slow.path), "own", "phantom", "lr 0.0005"),
        (str(slow.path), "external", "hospital", "lr 0.0005"),
    ]
    assert dice[-1]["value"] == pytest.approx(30 / 40)
    assert len([row for row in scores.cases if row["test"] == "external"]) == 12
    external.metrics.write_text("{", encoding="utf-8")
    (left_out,) = read_scores(tmp_path / "runs").left_out
    assert left_out.name.endswith(f"{SLOW.name}/{external.path.name}")


def test_every_score_of_a_test_is_there(tmp_path: Path) -> None:
    run = SLOW.write(tmp_path / "runs")
    recorded = json.loads(run.test().metrics.read_text("utf-8"))

    means = read_scores(str(run.path)).means

    for kind, key in (("pixels", "scores"), ("volumes", "volumes")):
        values = {row["score"]: row["value"] for row in means if row["kind"] == kind}
        for score, result in recorded[key]["whole"].items():
            assert values[score] == pytest.approx(result["value"]), score


def test_a_case_has_the_columns_of_cases_csv_and_of_volumes_csv(tmp_path: Path) -> None:
    run = FAST.write(tmp_path / "runs")

    rows = read_scores(run.path).cases

    for name in ("cases.csv", "volumes.csv"):
        with (run.test().path / name).open(newline="", encoding="utf-8") as file:
            written = list(csv.DictReader(file))
        assert len(rows) == len(written) == 12
        for row, line in zip(rows, written, strict=True):
            shown = {key: row[key] for key in line}
            assert {k: "" if v is None else str(v) for k, v in shown.items()} == line
    assert {row["settings"] for row in rows} == {""}  # a single run differs from none
    assert [row["dice"] for row in rows] == pytest.approx([both / 40 for both in range(10, 34, 2)])


def test_runs_that_are_not_read_are_named_with_the_reason(tmp_path: Path) -> None:
    SLOW.write(tmp_path / "runs")
    ToyRun(twelve_cases([20] * 12), network=ASPP, status="failed").write(tmp_path / "runs")

    scores = read_scores(tmp_path / "runs")

    assert {row["network"] for row in scores.means} == {"UNet"}
    (left_out,) = scores.left_out
    assert left_out.name == f"AttentionUNetASPP_t2f/{SLOW.name}"
    assert left_out.reason == "not finished: its status is failed"
    with pytest.raises(UsageError, match="does not exist"):
        read_scores(tmp_path / "other")


def test_reading_scores_needs_no_torch(tmp_path: Path) -> None:
    SLOW.write(tmp_path / "runs")
    script = (
        "import sys, lightning_app; rows = lightning_app.read_scores('runs').means; "
        "print(len(rows) > 20, {'torch', 'lightning', 'jsonargparse'} & {*sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "True set()"
