"""Exported models by OpenVINO, quantised and not."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray

from lightning_app.cli import main
from lightning_app.export import file_records
from lightning_app.export.folder import EXPORT, ExportFolder
from lightning_app.export.record import read_model_record
from tests.helpers.paths import ROOT
from tests.helpers.runs.exported_runs import Capture, error_of, runs_of, sign
from tests.helpers.toy import write_case

pytest.importorskip("openvino", reason="the extra openvino is not installed")
pytest.importorskip("nncf", reason="the extra openvino is not installed")
pytestmark = pytest.mark.slow

SCRIPT = """
import sys
from lightning_app.cli import main
code = main(sys.argv[1:])
print(code, {"torch", "lightning", "jsonargparse", "openvino_telemetry.main"} & {*sys.modules})
"""
PREDICT = ("predict", "--input", "in", "--model")


@pytest.fixture(autouse=True)
def _case(models: Path) -> None:
    write_case(Path("in"), "one", seed=3, names={"t1c": "-t1c", "t2f": "-t2f"}, depth=6, size=45)


def labels(folder: str) -> NDArray[np.uint8]:
    found: NDArray[np.uint8] = sitk.GetArrayFromImage(sitk.ReadImage(f"{folder}/one.nii.gz"))
    assert len(np.unique(found)) == 4
    return found


@pytest.mark.parametrize("model", ["a", "mirrored", "b"])
def test_masks_are_nearly_those_of_the_graph(model: str, capsys: Capture) -> None:
    assert main([*PREDICT, f"models/{model}", "--output", "onnx"]) == 0
    words = ["--runtime", "openvino", "--output", "openvino"]
    assert main([*PREDICT, f"models/{model}", *words]) == 0
    assert "Runtime: OpenVINO, in " in capsys.readouterr().out
    assert np.mean(labels("onnx") != labels("openvino")) < 0.01


def test_it_needs_no_torch_and_reports_nothing_to_its_makers(tmp_path: Path) -> None:
    words = [*PREDICT, "models/a", "--runtime", "openvino", "--output", "out"]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *words],
        capture_output=True, text=True, check=True,
        env={"PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "PATH": os.environ["PATH"]},
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "0 set()"
    assert not (tmp_path / "intel").exists()


def test_a_quantised_model_is_validated_and_used(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """A network of a few weights is less robust than one that is used."""
    monkeypatch.setattr(file_records, "LARGEST_LOSS", 0.2)
    run = runs_of("a")[1]
    assert main(["validate", "--run", str(run.path), "--trainer.precision", "32-true"]) == 0
    validated = capsys.readouterr().out
    assert main(["export", "--run", str(run.path), "--quantise", "int8"]) == 0
    folder = ExportFolder(run.path / EXPORT)
    printed, record = capsys.readouterr(), read_model_record(folder.record)
    assert printed.err == ""
    found = record.quantised
    assert found is not None
    assert found.slices == 5
    assert abs(found.dice_quantised - found.dice_float) < 0.1
    assert f"validation Dice {found.dice_quantised:.4f}, that of the run" in printed.out
    assert f"val/dice: {found.dice_float:.4f}" in validated
    assert {folder.int8.name, folder.int8_weights.name} <= record.files.keys()
    assert folder.foreign() == []
    assert "`model_int8.xml`" in folder.card.read_text("utf-8")

    assert main([*PREDICT, str(folder.path), "--output", "float"]) == 0
    assert main([*PREDICT, str(folder.path), "--output", "int8", "--quantise", "int8"]) == 0
    assert "Runtime: OpenVINO, in int8 and " in capsys.readouterr().out
    assert 0 < np.mean(labels("float") != labels("int8")) < 0.2
    assert json.loads(Path("int8/one.json").read_text("utf-8"))["quantise"] == "int8"
    assert main([*PREDICT, str(folder.path), "--output", "int8"]) == 2
    assert " in int8: name another folder, or replace it with --overwrite" in error_of(capsys)

    folder.int8.write_text("<net/>", "utf-8")
    words = [*PREDICT, str(folder.path), "--output", "int8", "--quantise", "int8"]
    assert main(words) == 2
    assert "model_int8.xml: it was changed since export wrote it" in error_of(capsys)
    sign(folder)
    assert main(words) == 2
    assert "model_int8.xml: the runtime cannot run it: " in error_of(capsys)


def test_a_quantised_model_with_a_lower_dice_is_not_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr(file_records, "LARGEST_LOSS", -2.0)
    run = runs_of("a")[1]
    assert main(["export", "--run", str(run.path), "--quantise", "int8"]) == 1
    line = error_of(capsys)
    assert line.startswith("error: int8 was not kept: its validation Dice is 0.")
    folder = ExportFolder(run.path / EXPORT)
    names = {path.name for path in folder.files()}
    assert names == read_model_record(folder.record).files.keys()
    assert len(names) == 5
    assert main([*PREDICT, str(folder.path), "--output", "out", "--quantise", "int8"]) == 2
    assert "there is no model_int8.xml in" in error_of(capsys)


@pytest.mark.parametrize("runtime", ["onnx", "torch"])
def test_only_openvino_runs_a_quantised_model(runtime: str, capsys: Capture) -> None:
    words = [*PREDICT, "models/a", "--output", "out", "--quantise", "int8", "--runtime", runtime]
    assert main(words) == 2
    expected = f"error: --quantise int8 needs --runtime openvino, not {runtime}"
    assert error_of(capsys) == expected
