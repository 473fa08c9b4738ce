"""model.json is read as it was written, and a damaged one is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from lightning_app.export.file_records import FileRecord, Quantised, Verified
from lightning_app.export.record import (
    ExportedRun,
    ImageRecord,
    LabelRecord,
    ModelRecord,
    OutputRecord,
    TrainingRecord,
    read_model_record,
    write_model_record,
)
from lightning_app.postprocessing.operations import LargestComponent, SmallestComponent
from lightning_app.postprocessing.postprocessing import Postprocessing
from lightning_app.runs.record_values import RecordError

RECORD = ModelRecord(
    runs=[ExportedRun("aspp/a", "models.UNet", 3, "abc"), ExportedRun("aspp/b", "x.Y", 0, "")],
    tta="mirror",
    images=ImageRecord(["t1c", "t2f"], "LPS", (240, 200), (176, 144), 16, {"a": 0.5}, "z-score"),
    output=OutputRecord(
        "whole",
        ["whole"],
        exclusive=False,
        postprocessing=Postprocessing(0.4, (SmallestComponent(20.0), LargestComponent())),
        labels=[LabelRecord(1, "whole", "whole tumour")],
    ),
    training_data=TrainingRecord("glioma", "files", ["brats2023"], [70, 80], 12, {"x": [1.0, 2.0]}),
    program={"version": "1", "git": None},
    date="2026-01-02",
    licence="mit",
    verification={"model.onnx": Verified(8, [1, 2, 5], 1e-7, 100, 0)},
    files={"model.onnx": FileRecord(10, "00")},
    quantised=Quantised("int8", 64, 0.91, 0.909),
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_model_record(tmp_path / "model.json", RECORD)
    assert read_model_record(tmp_path / "model.json") == RECORD


def test_the_identity_is_that_of_the_runs_in_any_order(tmp_path: Path) -> None:
    assert RECORD.identity == (["aspp/a", "aspp/b"], "mirror")


@pytest.mark.parametrize(
    ("section", "values", "reason"),
    [
        (None, {"format": 99}, "its format is 99"),
        (None, {"runs": []}, "runs is empty"),
        ("images", {"window": [176]}, "images.window is [176], expected a list of 2 numbers"),
        ("output", {"threshold": 2}, "threshold is 2, expected a number between 0 and 1"),
        ("output", {"exclusive": True}, "the threshold is 0.4, and its classes exclude"),
        (
            "output",
            {"labels": [{"value": 1, "class": "lung", "meaning": "lung"}]},
            "a label is of the unknown class 'lung'",
        ),
        ("training_data", {"patients": "many"}, "training_data.patients is 'many', expected"),
    ],
)
def test_a_damaged_record_is_refused(
    tmp_path: Path, section: str | None, values: dict[str, Any], reason: str
) -> None:
    path = tmp_path / "model.json"
    write_model_record(path, RECORD)
    content = json.loads(path.read_text("utf-8"))
    (content if section is None else content[section]).update(values)
    path.write_text(json.dumps(content), "utf-8")
    with pytest.raises(RecordError) as error:
        read_model_record(path)
    assert f"{path}: {reason}" in str(error.value)
