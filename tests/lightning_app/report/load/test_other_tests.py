"""Which tests of a run are tests on other data, and how they are grouped."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from lightning_app.report.load.cohorts import cohorts
from lightning_app.report.load.runs import read_external_tests, read_runs
from lightning_app.runs.folder import Run
from tests.helpers.runs.external_tests import add_external_test
from tests.helpers.runs.toy_runs import ASPP, UNET, ToyRun, twelve_cases

CASES = {"A-000": (10, 20, 5), "A-001": (0, 0, 0), "B-000": (8, 8, 8)}
HOSPITAL = {"X-000": (10, 10, 5), "Y-000": (6, 6, 6)}
NAME = "UNet_t2f/20260101-000000-aaaaaa/test-other-split"


def why_left_out(root: Path) -> dict[str, str]:
    return {left.name: left.reason for left in [*read_runs(root)[1], *read_external_tests(root)[1]]}


def test_a_test_on_other_data_is_read_with_its_own_scores(tmp_path: Path) -> None:
    run = ToyRun(CASES).write(tmp_path)
    folder = add_external_test(run, HOSPITAL)

    ((own,), left_out) = read_runs(tmp_path)
    ((found,), tests_left_out) = read_external_tests(tmp_path)

    assert [*left_out, *tests_left_out] == []
    assert (own.folder, found.folder, found.run) == (run.test(), folder, run)
    assert found.table.cases == ["X-000", "Y-000"]
    assert found.scores["whole"]["dice"].value == pytest.approx(2 * 11 / 32)
    assert own.scores["whole"]["dice"].value == pytest.approx(2 * 13 / 46)
    assert found.volume_table is not None
    assert found.data.name == "hospital"


@pytest.mark.parametrize("partial", [True, "yes", 0])
def test_a_partial_test_is_never_shown(partial: object, tmp_path: Path) -> None:
    run = ToyRun(CASES).write(tmp_path)
    add_external_test(run, HOSPITAL, partial=partial)
    shutil.copytree(run.path / "test-other-split", run.path / "test-other-split-partial")

    assert read_external_tests(tmp_path) == ([], [])
    reason = "tested on a part of the test split"
    assert why_left_out(tmp_path) == {NAME: reason, f"{NAME}-partial": reason}


def test_a_test_that_may_be_partial_is_not_shown(tmp_path: Path) -> None:
    add_external_test(ToyRun(CASES).write(tmp_path), HOSPITAL, partial=None)

    assert read_external_tests(tmp_path)[0] == []
    assert "did not record whether the whole test split was tested" in why_left_out(tmp_path)[NAME]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"fingerprint": "print-t2f"}, "tested on another split of the run's own data"),
        ({"eval_fingerprint": "tested"}, "tested on another split of the run's own data"),
        (
            {"split": "split-a", "eval_slices": "all"},
            "tested on other slices of the run's own test split",
        ),
        ({"split": "split-a", "slices_format": 7}, "an earlier version prepared the slices"),
        ({"split": "split-a"}, None),  # the same ids, other images: another phantom
        ({"eval_slices": "all"}, None),
    ],
)
def test_the_data_of_the_training_are_not_external(
    data: dict[str, Any], reason: str | None, tmp_path: Path
) -> None:
    run = ToyRun(CASES, data={"eval_fingerprint": "tested"}).write(tmp_path)
    add_external_test(run, CASES, data=data)

    tests, _ = read_external_tests(tmp_path)

    assert len(tests) == (reason is None)
    assert why_left_out(tmp_path).get(NAME, "None").startswith(str(reason))


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("metrics.json", "{", "cannot be read: metrics.json: "),
        ("slices.csv", "case\n", "cannot be read: slices.csv: "),
        ("metrics.json", None, "its test did not write all files: "),
        ("slices.csv", None, "its test did not write all files: "),
    ],
)
def test_a_test_that_cannot_be_read_is_left_out_with_the_reason(
    name: str, content: str | None, reason: str, tmp_path: Path
) -> None:
    run = ToyRun(CASES).write(tmp_path)
    path = add_external_test(run, HOSPITAL).path / name
    path.unlink()
    if content is not None:
        path.write_text(content, "utf-8")

    assert read_external_tests(tmp_path)[0] == []
    assert why_left_out(tmp_path)[NAME].startswith(reason)
    assert len(read_runs(tmp_path)[0]) == 1  # its own test stays


def test_a_run_that_was_not_trained_to_its_end_has_no_external_tests(tmp_path: Path) -> None:
    add_external_test(ToyRun(CASES, status="interrupted").write(tmp_path), HOSPITAL)

    assert read_external_tests(tmp_path)[0] == []
    assert why_left_out(tmp_path)[NAME] == "not finished: its status is interrupted"


def test_a_run_may_be_tested_on_other_data_alone(tmp_path: Path) -> None:
    run = ToyRun(CASES).write(tmp_path)
    add_external_test(run, HOSPITAL)
    shutil.rmtree(run.test().path)

    assert read_runs(tmp_path)[0] == []
    assert len(read_external_tests(tmp_path)[0]) == 1


def test_only_tests_of_the_same_slices_are_compared(tmp_path: Path) -> None:
    cases = twelve_cases(range(12))
    unet = ToyRun(CASES, network=UNET).write(tmp_path)
    aspp = ToyRun(CASES, network=ASPP).write(tmp_path)
    for run in (unet, aspp):
        add_external_test(run, cases)
    add_external_test(unet, HOSPITAL, folder="test-second-split", data={"split": "second"})
    add_external_test(aspp, HOSPITAL, folder="test-third-split", data={"fingerprint": "third"})

    groups = cohorts(read_external_tests(tmp_path)[0])

    largest, *others = [[run.network for run in group.runs] for group in groups]
    assert largest == [UNET, ASPP]
    assert sorted(others) == [[ASPP], [UNET]]


def test_runs_of_the_same_options_that_were_trained_on_other_patients_are_rows(
    tmp_path: Path,
) -> None:
    for name, split in (("20260101-000000-aaaaaa", "a"), ("20260102-000000-aaaaaa", "b")):
        data = {"root": "/data/clinic", "split": split}
        add_external_test(ToyRun(CASES, name=name, data=data).write(tmp_path), HOSPITAL)

    (group,) = cohorts(read_external_tests(tmp_path)[0])

    assert group.repeated == ()
    assert [entry.name for entry in group.entries] == [
        "UNet, training on clinic (split a)", "UNet, training on clinic (split b)"
    ]  # fmt: skip


def test_a_missing_score_names_the_test_to_repeat(tmp_path: Path) -> None:
    run: Run = ToyRun(CASES).write(tmp_path)
    folder = add_external_test(run, HOSPITAL)
    content = json.loads(folder.metrics.read_text("utf-8"))
    del content["volumes"]["whole"]["nsd"]
    folder.metrics.write_text(json.dumps(content), "utf-8")

    ((found,), _) = read_external_tests(tmp_path)

    assert f"test --run {run.path}, with the same --data options," in found.missing["nsd"]
