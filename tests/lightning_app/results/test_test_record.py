"""What a test writes is read back as it was."""

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest

from lightning_app.metrics.case_masks import CaseMasks, VolumeTable
from lightning_app.metrics.case_tables import case_tables, score_case
from lightning_app.metrics.count_table import CountTable
from lightning_app.metrics.evaluate import accuracy_of_nothing, count_results, volume_results
from lightning_app.metrics.volume_scores import VOLUME_SCORES
from lightning_app.results.test_record import read_test, write_test
from lightning_app.results.test_tables import (
    read_slices,
    read_volumes,
    write_cases,
    write_slices,
    write_volumes,
)
from lightning_app.runs.folder import TestFolder
from lightning_app.runs.record_values import RecordError
from tests.helpers.runs.toy_results import SLICE, ToyCase, write_results
from tests.helpers.runs.toy_runs import masks

CLASSES = ("whole", "core")
NAMES = (["a0", "a0", "b0"], ["a", "a", "b"], [3, 4, 7])
COUNTS = np.arange(24).reshape(3, 2, 4)
TABLE = CountTable(CLASSES, *NAMES, COUNTS)
VOLUMES = VolumeTable(
    CLASSES,
    ["a0", "b0"],
    ["a", "b"],
    {"volume_error": np.array([[0.25, 1], [0.5, math.nan]]), "other": np.ones((2, 2))},
)
VOLUME_ERROR = [score for score in VOLUME_SCORES if score.name == "volume_error"]
FACTS = {
    "data": {
        "kind": "files", "fingerprint": "f", "split": "s", "target": "regions", "slices": [1, 2],
        "eval_slices": "all", "spacing": {"x": [1.0, 1.0]},
    },
    "checkpoint": {"file": "best.ckpt", "epoch": 5},
    "computed_with": {"precision": "32-true", "acceleration": {"channels_last": True}},
    "patients_trained_on": 1,
    "accuracy_of_nothing": {"whole": 0.5, "core": 0.75},
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> TestFolder:
    return TestFolder(tmp_path)


def test_metrics(folder: TestFolder) -> None:
    scores, volumes = count_results(TABLE), volume_results(VOLUMES, VOLUME_ERROR)
    write_test(folder, FACTS, scores, volumes)
    test = read_test(folder)

    assert (test.scores, test.volumes) == (scores, volumes)
    assert (test.epoch, test.patients_trained_on) == (5, 1)
    assert test.computed_with == "32-true, channels_last"
    assert test.accuracy_of_nothing == {"whole": 0.5, "core": 0.75}
    assert (test.data.slices, test.data.eval_slices) == ([1, 2], "all")
    assert json.loads(folder.metrics.read_text("utf-8"))["format"] == 1


def test_slices(folder: TestFolder) -> None:
    write_slices(folder, TABLE)
    read = read_slices(folder, CLASSES)

    assert (read.classes, read.cases, read.patients, read.slices) == (CLASSES, *NAMES)
    assert np.array_equal(read.counts, COUNTS)


def test_cases_have_a_dice_and_slices_without_the_class_have_none(folder: TestFolder) -> None:
    empty = CountTable(("whole",), ["a0", "a0"], ["a", "a"], [1, 2], np.array([[[0, 0, 0, 9]]] * 2))
    write_slices(folder, empty)
    write_cases(folder, empty.by_case())
    assert folder.slices.read_text("utf-8").splitlines()[1] == "a0,a,1,whole,0,0,0,9,"
    assert folder.cases.read_text("utf-8").splitlines()[1] == "a0,a,whole,0,0,0,18,1.0"


def test_volumes(folder: TestFolder) -> None:
    with pytest.raises(FileNotFoundError):
        read_volumes(folder, CLASSES)
    write_volumes(folder, VOLUMES)
    read = read_volumes(folder, CLASSES)

    assert (read.classes, read.cases, read.patients) == (CLASSES, ["a0", "b0"], ["a", "b"])
    assert read.values.keys() == VOLUMES.values.keys()
    for name, values in VOLUMES.values.items():
        assert np.array_equal(read.values[name], values, equal_nan=True)


@pytest.mark.parametrize("key", ["data", "checkpoint", "scores", "patients_trained_on"])
def test_a_missing_value_is_named(key: str, folder: TestFolder) -> None:
    write_test(folder, FACTS, count_results(TABLE), {})
    content = json.loads(folder.metrics.read_text("utf-8"))
    del content[key]
    folder.metrics.write_text(json.dumps(content), "utf-8")
    with pytest.raises(RecordError, match=f"metrics.json: '{key}' is missing"):
        read_test(folder)


def test_rows_of_other_classes_are_refused(folder: TestFolder) -> None:
    write_slices(folder, TABLE)
    write_volumes(folder, VOLUMES)
    with pytest.raises(RecordError, match="a row for each slice and class"):
        read_slices(folder, ("whole",))
    with pytest.raises(RecordError, match="a row for each case and class"):
        read_volumes(folder, ("core", "whole"))


SIZES = {  # pixels in the ground truth, in the prediction and in both; not in order of the ids
    "b-000": (10, 20, 5), "a-000": (8, 8, 8), "c-000": (0, 0, 0), "c-001": (0, 6, 0),
    "d-000": (30, 0, 0), "e-000": (70, 50, 41),
}  # fmt: skip


def rows(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def same(cells: list[str], others: list[str]) -> bool:
    """Whether two rows have the same words, and the same numbers but for rounding."""
    return all(
        one == other or float(one) == pytest.approx(float(other))
        for one, other in zip(cells, others, strict=True)
    )


def test_counts_and_scores_equal_those_of_another_implementation(tmp_path: Path) -> None:
    toys = [ToyCase(case, case[:-4], *masks(*sizes)) for case, sizes in SIZES.items()]
    cases = [
        CaseMasks(t.case, t.patient, [SLICE], t.prediction[None, None], t.reference[None, None],
                  (1.0, 1.0, 1.0))
        for t in toys
    ]  # fmt: skip
    table, volumes = case_tables([score_case(case, ("whole",)) for case in cases], ("whole",))
    ours, theirs = TestFolder(tmp_path / "ours"), TestFolder(tmp_path / "theirs")
    for folder in (ours, theirs):
        folder.path.mkdir()
    facts = {**FACTS, "accuracy_of_nothing": accuracy_of_nothing(table)}
    write_test(ours, facts, count_results(table), volume_results(volumes, VOLUME_SCORES))
    write_slices(ours, table)
    write_cases(ours, table.by_case())
    write_volumes(ours, volumes)
    write_results(theirs.path, FACTS, toys)

    for name in ("slices.csv", "cases.csv", "volumes.csv"):
        ours_and_theirs = zip(rows(ours.path / name), rows(theirs.path / name), strict=True)
        assert all(same(*pair) for pair in ours_and_theirs), name
    found, expected = read_test(ours), read_test(theirs)
    for results, others in ((found.scores, expected.scores), (found.volumes, expected.volumes)):
        assert results["whole"].keys() == others["whole"].keys()
        values = {name: result.value for name, result in results["whole"].items()}
        assert values == pytest.approx({name: r.value for name, r in others["whole"].items()})
    assert found.accuracy_of_nothing == pytest.approx(expected.accuracy_of_nothing)
