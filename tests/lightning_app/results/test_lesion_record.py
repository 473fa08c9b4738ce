"""lesions.csv, written and read."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lightning_app.metrics.case_masks import CaseMasks
from lightning_app.metrics.case_tables import score_case
from lightning_app.metrics.volume.lesions import LesionKind
from lightning_app.results.lesion_record import RecordedLesion, read_lesions, write_lesions
from lightning_app.runs.folder import TestFolder
from lightning_app.runs.record_values import RecordError

CLASSES = ("whole", "core")
SLICES = range(3, 15)


@pytest.fixture
def folder(tmp_path: Path) -> TestFolder:
    """The lesions of a case with a missed and an invented one, and of one without any."""
    prediction, reference = np.zeros((2, 12, 2, 16, 16), np.bool_)
    reference[0:4, 0, 2:6, 3:8] = True
    prediction[9, 1, 1, 7] = True
    case = CaseMasks("a-1", "a", SLICES, prediction, reference, (1.0, 1.0, 1.0))
    other = replace(case, case="b-1", patient="b", prediction=reference)
    scored = [score_case(masks, CLASSES) for masks in (case, other)]
    write_lesions(TestFolder(tmp_path), scored, CLASSES)
    return TestFolder(tmp_path)


def test_lesions(folder: TestFolder) -> None:
    box = (slice(3, 7), slice(2, 6), slice(3, 8))
    assert read_lesions(folder) == [
        RecordedLesion("a-1", "whole", LesionKind.MISSED, box),
        RecordedLesion(
            "a-1", "core", LesionKind.INVENTED, (slice(12, 13), slice(1, 2), slice(7, 8))
        ),
        RecordedLesion("b-1", "whole", LesionKind.FOUND, box),
    ]
    header, *rows = folder.lesions.read_text("utf-8").splitlines()
    assert header == (
        "case,patient,class,lesion,volume_ml,kind,dice,hd95,"
        "first_slice,last_slice,first_row,last_row,first_column,last_column"
    )
    assert rows[:2] == [
        "a-1,a,whole,1,0.08,missed,,,3,6,2,5,3,7",
        "a-1,a,core,1,0.001,invented,,,12,12,1,1,7,7",
    ]


def test_a_test_of_an_earlier_version_has_no_lesions(tmp_path: Path) -> None:
    assert read_lesions(TestFolder(tmp_path)) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [("missed", "lost", "a lesion is 'lost', expected found"), (",3,6,", ",3,x,", "x")],
)
def test_a_damaged_file_is_refused(folder: TestFolder, old: str, new: str, message: str) -> None:
    folder.lesions.write_text(folder.lesions.read_text("utf-8").replace(old, new), "utf-8")
    with pytest.raises(RecordError, match=message):
        read_lesions(folder)
