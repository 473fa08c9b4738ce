"""Files that cannot be used."""

import json
import re
from pathlib import Path

import pytest

from lightning_app.postprocessing.operations import LargestComponent
from lightning_app.postprocessing.postprocessing import Postprocessing
from lightning_app.runs.record_values import RecordError
from lightning_app.tuning.record import read_postprocessing

BY_HAND = {
    "format": 1,
    "target": "whole",
    "threshold": 0.4,
    "operations": [{"name": "largest_component"}],
}


def read(path: Path, *, exclusive: bool = False) -> Postprocessing:
    return read_postprocessing(path, "whole", ("whole",), exclusive=exclusive)


def test_a_file_written_by_hand_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(BY_HAND), encoding="utf-8")
    assert read(path) == Postprocessing(0.4, (LargestComponent(),))
    with pytest.raises(RecordError, match="it does not fit target 'whole': the threshold"):
        read(path, exclusive=True)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "Expecting property name"),
        ("[]", "it is a list, expected a JSON object"),
        (json.dumps({**BY_HAND, "format": 99}), "its format is 99, expected 1 at most"),
        (
            json.dumps({**BY_HAND, "target": "core"}),
            "target is 'core', and the masks are of 'whole'",
        ),
        (json.dumps({**BY_HAND, "target": None}), "target is None, expected text"),
        (json.dumps({**BY_HAND, "threshold": 2}), "threshold is 2, expected a number"),
        (
            json.dumps({**BY_HAND, "operations": [{"name": "small_enhancing_to_core", "mm3": 5}]}),
            "small_enhancing_to_core needs the class 'enhancing'",
        ),
        (json.dumps({"target": "whole"}), "'format' is missing: it is not a file that tune wrote"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(tmp_path: Path, content: str, problem: str) -> None:
    path = tmp_path / "postprocessing.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(RecordError, match=re.escape(problem)) as error:
        read(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)
