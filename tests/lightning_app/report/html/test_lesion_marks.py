"""Where missed and invented lesions are marked in the slice that the page shows."""

from pathlib import Path

import numpy as np
import pytest

from lightning_app.metrics.volume.lesions import LesionKind
from lightning_app.report.figures.examples import Gallery, gallery
from lightning_app.report.html.case_browser import browsable
from lightning_app.report.html.lesion_marks import lesion_marks
from lightning_app.report.load.cohorts import cohorts
from lightning_app.report.load.runs import read_runs
from lightning_app.results.lesion_record import LESION_COLUMNS
from tests.helpers.runs.toy_results import SLICE, write_csv
from tests.helpers.runs.toy_runs import SIZE, ToyRun, masks

REFERENCE, PREDICTION = masks(30, 20, 0)
COLUMNS = (
    "case", "patient", "class", *LESION_COLUMNS,
    "first_slice", "last_slice", "first_row", "last_row", "first_column", "last_column",
)  # fmt: skip


def made(root: Path, *lesions: tuple[str, str, tuple[int, ...]]) -> Gallery:
    """The gallery of a run that missed all pixels of a case and invented others."""
    run = ToyRun({"A-000": (30, 20, 0), "B-000": (8, 8, 8)}).write(root)
    rows = [
        (case, case[:-4], "whole", number, 0.5, kind, None, None, *box)
        for number, (case, kind, box) in enumerate(lesions, start=1)
    ]
    write_csv(run.test().lesions, COLUMNS, rows)
    (group,) = cohorts(read_runs(root)[0])
    found = gallery(group, "t2f")
    assert found is not None
    return found


def extent(mask: "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]") -> list[int]:
    rows, columns = np.nonzero(mask)
    left, top = int(columns.min()), int(rows.min())
    return [left, top, int(columns.max()) - left + 1, int(rows.max()) - top + 1]


def test_missed_and_invented_lesions_have_a_box_around_their_pixels(tmp_path: Path) -> None:
    everywhere = (SLICE, SLICE + 3, 0, SIZE - 1, 0, SIZE - 1)
    found = made(tmp_path, ("A-000", "missed", everywhere), ("A-000", "invented", everywhere))

    assert lesion_marks(found, 0, 0) == [[
        {"kind": "missed", "box": extent(REFERENCE)},
        {"kind": "invented", "box": extent(PREDICTION)},
    ]]  # fmt: skip
    assert lesion_marks(found, 0, 1) == [[]]


def test_a_box_holds_only_what_is_in_the_box_of_the_lesion(tmp_path: Path) -> None:
    found = made(tmp_path, ("A-000", "missed", (0, SLICE, 0, 0, 3, 6)))
    assert lesion_marks(found, 0, 0) == [[{"kind": "missed", "box": [3, 0, 4, 1]}]]


@pytest.mark.parametrize(
    ("kind", "box"),
    [
        ("found", (SLICE, SLICE, 0, SIZE - 1, 0, SIZE - 1)),
        ("missed", (SLICE + 1, SLICE + 4, 0, SIZE - 1, 0, SIZE - 1)),
        ("missed", (0, SLICE - 1, 0, SIZE - 1, 0, SIZE - 1)),
        ("missed", (SLICE, SLICE, SIZE - 1, SIZE - 1, SIZE - 1, SIZE - 1)),
    ],
    ids=["found", "above", "below", "elsewhere in the slice"],
)
def test_no_box(kind: str, box: tuple[int, ...], tmp_path: Path) -> None:
    found = made(tmp_path, ("A-000", kind, box))
    assert lesion_marks(found, 0, 0) == [[]]
    assert browsable([found])[0]["hasLesions"]


def test_a_run_without_lesions_has_no_legend_for_them(tmp_path: Path) -> None:
    assert not browsable([made(tmp_path)])[0]["hasLesions"]


def test_a_damaged_file_leaves_the_run_out_of_the_browser_with_a_note(tmp_path: Path) -> None:
    ToyRun({"A-000": (30, 20, 0)}, seed=1, name="20260101-000001-aaaaaa").write(tmp_path)
    run = ToyRun({"A-000": (30, 20, 0)}, network="models.AttentionUNet").write(tmp_path)
    write_csv(run.test().lesions, COLUMNS, [("A-000", "A", "whole", *["x"] * 11)])
    (group,) = cohorts(read_runs(tmp_path)[0])
    found = gallery(group, "t2f")

    assert found is not None
    assert len(found.entries) == 1
    assert [note for note in found.notes if "a lesion is 'x'" in note]


def test_kinds_are_those_that_the_page_draws() -> None:
    script = (
        Path(__file__).parents[4] / "lightning_app/report/html/templates/panels.js"
    ).read_text()
    for kind in (LesionKind.MISSED, LesionKind.INVENTED):
        assert f"  {kind}: {{ colour" in script
