"""A report tells tests of post-processed masks from others."""

import json
from pathlib import Path
from typing import Any

import pytest

from lightning_app.api.scores import read_scores
from lightning_app.report.load.cohorts import cohorts
from lightning_app.report.load.folds import pool_folds
from lightning_app.report.load.runs import read_runs
from lightning_app.report.tables.caveats import postprocessing_caveats
from lightning_app.report.write import write_report
from lightning_app.runs.folder import Run
from tests.helpers.runs.toy_folds import write_folds
from tests.helpers.runs.toy_runs import ToyRun, twelve_cases

CASES = twelve_cases([3, 30, 12, 25, 38, 7, 33, 19, 28, 36, 22, 15])
LARGEST: dict[str, Any] = {"threshold": 0.5, "operations": [{"name": "largest_component"}]}
NONE: dict[str, Any] = {"threshold": 0.5, "operations": []}


def postprocess(run: Run, done: Any) -> None:
    """Record what was done in a test."""
    path = run.test().metrics
    content = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**content, "postprocessing": done}), encoding="utf-8")


@pytest.fixture
def runs(tmp_path: Path) -> tuple[Run, Run]:
    """The same run twice; the masks of the second test were post-processed."""
    plain = ToyRun(CASES).write(tmp_path)
    changed = ToyRun(CASES, name="20260102-000000-aaaaaa").write(tmp_path)
    postprocess(plain, None)
    postprocess(changed, {**LARGEST, "file": "postprocessing.json"})
    return plain, changed


def test_they_are_rows_of_their_own(runs: tuple[Run, Run], tmp_path: Path) -> None:
    (cohort,) = cohorts(read_runs(tmp_path)[0])
    names = {entry.name: entry.runs[0].run for entry in cohort.entries}
    assert names == {"UNet, no post-processing": runs[0], "UNet, post-processing": runs[1]}
    assert not cohort.repeated
    (caveat,) = postprocessing_caveats(cohort)
    assert f"{runs[1].path.name}: the largest component." in caveat
    assert "Scores of all others are those of the network." in caveat


def test_nothing_is_said_without(tmp_path: Path) -> None:
    ToyRun(CASES).write(tmp_path)  # as an earlier version wrote it
    postprocess(ToyRun(CASES, seed=1, name="20260102-000000-aaaaaa").write(tmp_path), None)
    (cohort,) = cohorts(read_runs(tmp_path)[0])
    (entry,) = cohort.entries
    assert (entry.name, entry.seeds) == ("UNet", [0, 1])
    assert postprocessing_caveats(cohort) == []


def test_folds_may_do_different_things(tmp_path: Path) -> None:
    """What was chosen for a fold may be nothing."""
    for run, done in zip(write_folds(tmp_path, CASES), (LARGEST, NONE, LARGEST), strict=True):
        postprocess(run, done)
    pooled, left_out = pool_folds(read_runs(tmp_path)[0])
    assert (len(pooled), left_out) == (1, [])
    (caveat,) = postprocessing_caveats(cohorts(pooled)[0])
    assert caveat.count("the largest component") == 2
    assert caveat.count(": none") == 1


def test_folds_are_not_pooled_if_nobody_chose_for_one(tmp_path: Path) -> None:
    for run, done in zip(write_folds(tmp_path, CASES), (LARGEST, None, LARGEST), strict=True):
        postprocess(run, done)
    pooled, left_out = pool_folds(read_runs(tmp_path)[0])
    assert (len(pooled), len(left_out)) == (0, 3)
    tuned = "fold 1 has no finished and tested run whose masks were post-processed"
    assert sum(tuned in run.reason for run in left_out) == 2


def test_the_page_and_the_scores_say_so(runs: tuple[Run, Run], tmp_path: Path) -> None:
    write_report([tmp_path], tmp_path / "report")
    page = (tmp_path / "report" / "report.html").read_text("utf-8")
    assert "UNet, post-processing" in page
    assert "Masks were post-processed: " in page
    assert "Post-processing of the masks: none or the largest component." in page
    words = {row["run"]: row["settings"] for row in read_scores(tmp_path).means}
    assert words == {
        str(runs[0].path): "no post-processing",
        str(runs[1].path): "post-processing",
    }


@pytest.mark.parametrize("done", ["x", {"threshold": 0.5}, {**LARGEST, "threshold": 7}])
def test_a_damaged_record_is_left_out(runs: tuple[Run, Run], tmp_path: Path, done: Any) -> None:
    postprocess(runs[1], done)
    used, left_out = read_runs(tmp_path)
    assert [run.run for run in used] == [runs[0]]
    assert "postprocessing" in left_out[0].reason
