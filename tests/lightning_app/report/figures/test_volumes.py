"""What is drawn of the scores of volumes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lightning_app.metrics.volume_scores import VOLUME_SCORES
from lightning_app.report.figures.volumes import volume_drawings
from lightning_app.report.load.cohorts import Cohort, cohorts
from lightning_app.report.load.runs import read_runs
from lightning_app.report.load.tested_run import TestedRun
from tests.helpers.runs.toy_runs import ASPP, ToyRun

CASES = {"A-000": (10, 20, 5), "A-001": (8, 8, 8), "B-000": (10, 10, 10), "C-000": (0, 4, 0)}
OTHERS = {"A-000": (10, 0, 0), "A-001": (8, 8, 8), "B-000": (10, 10, 5), "C-000": (0, 0, 0)}


@pytest.fixture
def group(tmp_path: Path) -> Cohort:
    ToyRun(CASES).write(tmp_path)
    ToyRun(OTHERS, network=ASPP).write(tmp_path)
    (found,) = cohorts(read_runs(tmp_path)[0])
    return found


def as_volumes(run: TestedRun) -> TestedRun:
    """The same run with made-up scores of lesions."""
    assert run.volume_table is not None
    made = {score.name: np.full((4, 1), 0.5) for score in VOLUME_SCORES}
    table = replace(run.volume_table, values={**made, "dice": run.volume_table.values["dice"]})
    return replace(run, volume_table=table)


def test_each_patient_has_a_dot_for_each_network_and_a_line_between_them(group: Cohort) -> None:
    (drawing,) = volume_drawings(group, "")
    dice, nsd, hd95 = drawing.figure.axes

    assert drawing.name == "patients_whole"
    assert [axis.get_ylabel() for axis in (dice, nsd, hd95)] == ["dice", "nsd", "hd95 (mm)"]
    dots = [np.asarray(drawn.get_offsets()) for drawn in dice.collections]
    assert [drawn[:, 1].tolist() for drawn in dots] == [
        pytest.approx([(1 / 3 + 1) / 2, 1, 0]), pytest.approx([(0 + 1) / 2, 0.5, 1]),
    ]  # fmt: skip
    assert [set(drawn[:, 0].tolist()) for drawn in dots] == [{0}, {1}]
    lines = [np.asarray(line.get_ydata()).tolist() for line in dice.lines]
    assert lines[:3] == [
        pytest.approx([2 / 3, 0.5]), pytest.approx([1, 0.5]), pytest.approx([0, 1]),
    ]  # fmt: skip
    assert hd95.get_ylim()[1] > 374
    assert [text.get_text() for text in hd95.get_xticklabels()] == [
        entry.name for entry in group.entries
    ]


def test_volumes_are_drawn_against_the_volume_of_the_patients_who_have_the_class(
    group: Cohort,
) -> None:
    volumes = replace(group, runs=tuple(map(as_volumes, group.runs)))
    sizes = np.array([[2.0], [4.0], [7.0], [0.0]])
    for run in volumes.runs:
        assert run.volume_table is not None
        run.volume_table.values["volume_reference_ml"][:] = sizes
    _, drawing = volume_drawings(volumes, "")

    assert drawing.name == "tumour_volume_whole"
    dots = np.asarray(drawing.figure.axes[0].collections[0].get_offsets())
    assert dots.tolist() == [[3.0, pytest.approx(2 / 3)], [7.0, 1.0]]
    assert drawing.figure.axes[0].get_xscale() == "log"


def test_nothing_is_drawn_if_a_run_lacks_the_scores(group: Cohort) -> None:
    first, second = group.runs
    missing = {score.name: "an earlier version" for score in VOLUME_SCORES}
    assert (
        list(volume_drawings(replace(group, runs=(first, replace(second, missing=missing))), ""))
        == []
    )
