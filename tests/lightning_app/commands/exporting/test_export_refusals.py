"""``export`` refuses in one line, and then nothing is written and nothing lost."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from lightning_app.cli import main
from lightning_app.export import packages, write
from lightning_app.export.folder import EXPORT, ExportFolder
from tests.helpers.disk import make_read_only, small_disk
from tests.helpers.runs.exported_runs import WEIGHTS, Capture, error_of, refused, runs_of

pytest.importorskip("onnxruntime")
pytest.importorskip("safetensors")
pytestmark = pytest.mark.usefixtures("exportable_runs")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("wanted", "function", "file"),
    [("onnx", "write_onnx", "model.onnx"), ("safetensors", "write_weights", "model.safetensors")],
)
def test_a_file_with_a_wrong_weight_is_not_left(
    wanted: str, function: str, file: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """The weight is right again when the file is compared."""
    write_right = getattr(write, function)

    def write_wrong(network: nn.Module, *arguments: Any) -> None:
        weight = [*network.parameters()][-3]
        with torch.no_grad():
            weight.view(-1)[0] += 1
            write_right(network, *arguments)
            weight.view(-1)[0] -= 1

    run = runs_of("a")[1]
    before = sorted(path.name for path in run.path.iterdir())
    monkeypatch.setattr(write, function, write_wrong)
    assert main(["export", "--run", str(run.path), "--format", wanted]) == 1
    line = error_of(capsys)
    assert line.startswith(f"error: {file} differs from the run on 8 validation slices: by up to ")
    assert line.endswith("expected 1 in 100,000 at most; nothing was written")
    assert sorted(path.name for path in run.path.iterdir()) == before


def test_nothing_is_left_of_an_ensemble_that_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(write, "write_weights", fail)
    refused("--ensemble", "a", "--format", "safetensors")
    assert "No space left on device" in error_of(capsys)
    assert not Path("runs/ensembles").exists()


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ("notes", "holds notes.txt, which no export wrote and a new export would delete: move it"),
        ("card", "README.md was changed since export wrote it: move it away, or name a new"),
        ("record", "exists and holds no earlier export: name a new or empty folder"),
        ("other run", "is an export of a/"),
        ("file", "is a file: expected a folder"),
    ],
)
def test_nothing_else_is_replaced(damage: str, reason: str, capsys: Capture) -> None:
    output, (other, run) = Path("model"), runs_of("a")
    exported = other if damage == "other run" else run
    assert main([*WEIGHTS, "--run", str(exported.path), "--output", "model"]) == 0
    if damage == "notes":
        (output / "notes.txt").write_text("mine", "utf-8")
    elif damage == "card":
        ExportFolder(output).card.write_text("mine", "utf-8")
    elif damage == "record":
        ExportFolder(output).record.write_text("{}", "utf-8")
    elif damage == "file":
        shutil.rmtree(output)
        output.write_text("mine", "utf-8")
    before = contents(output) if output.is_dir() else output.read_bytes()
    capsys.readouterr()

    assert main([*WEIGHTS, "--run", str(run.path), "--output", "model"]) == 2
    line = error_of(capsys)
    assert line.startswith(f"error: --output '{output.absolute()}'")
    assert reason in line
    assert (contents(output) if output.is_dir() else output.read_bytes()) == before


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, capsys: Capture) -> None:
    with small_disk(tmp_path / "disk", kilobytes=100) as disk:
        make_read_only(disk)
        refused("--run", "a", "--output", str(disk / "model"))
        line = error_of(capsys)
    assert "Read-only file system" in line
    assert str(disk / "model") in line


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    absent = {"onnxscript", "onnxruntime", "safetensors", "nncf"}
    monkeypatch.setattr(packages, "find_spec", lambda name: None if name in absent else name)
    remedy = "not installed here: pip install -e '.[export]' -c constraints.txt"
    assert main(["export", "--run", "a", "--format", "onnx"]) == 2
    assert error_of(capsys) == f"error: export needs onnxscript, onnxruntime, {remedy}"
    assert main([*WEIGHTS, "--run", "a"]) == 2
    assert error_of(capsys) == f"error: export needs safetensors, {remedy}"
    assert main(["export", "--run", "a", "--quantise", "int8"]) == 2
    line = error_of(capsys)
    assert line.startswith("error: export --quantise int8 needs ")
    assert line.endswith(f"nncf, {remedy.replace('[export]', '[openvino]')}")


def test_data_that_are_gone_are_named(toy_root: Path, tmp_path: Path, capsys: Capture) -> None:
    run = runs_of("a")[1]
    gone = tmp_path / "gone"
    config = run.config.read_text("utf-8").replace(str(toy_root), str(gone))
    run.config.write_text(config, "utf-8")
    assert main([*WEIGHTS, "--run", str(run.path)]) == 2
    line = error_of(capsys)
    assert line.startswith("error: an export is compared with its run on validation slices, but: ")
    assert str(gone) in line
    assert line.endswith("; name their folder with --data.root")
    assert not (run.path / EXPORT).exists()

    assert main([*WEIGHTS, "--run", str(run.path), "--data.root", str(toy_root)]) == 0


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--run", "c"], "no trained run 'c'"),
        (["--run", "a", "--run", "b"], "the runs of an ensemble need the same"),
        (["--run", "a", "--format", "onnx,safetensors"], "format"),
        (["--run", "a", "--tta", "flip"], "--tta is 'flip', expected mirror"),
        (["--run", "a", "--trainer.precision", "16-mixed"], "--trainer.precision: a model is"),
        (
            ["--run", "a", "--trainer.devices=2"],
            "--trainer.devices: a model is exported in float32",
        ),
        (["--run", "a", "--quantise", "int4"], "quantise"),
        (
            ["--run", "a", "--quantise", "int8", "--format", "safetensors"],
            "--quantise int8 quantises the graph, which --format safetensors leaves out",
        ),
    ],
)
def test_a_command_that_cannot_be_carried_out(
    words: list[str], reason: str, capsys: Capture
) -> None:
    refused(*words)
    assert reason in error_of(capsys)
    assert not list(Path("runs").rglob(EXPORT))


def test_a_run_without_checkpoint_and_one_with_a_strange_class(capsys: Capture) -> None:
    older, run = runs_of("a")
    text = run.config.read_text("utf-8")
    run.config.write_text(text.replace("models.UNet", "stranger.Network"), "utf-8")
    refused("--run", str(run.path))
    assert error_of(capsys).endswith("only if you know its code, add --trust stranger")
    older.best.unlink()
    refused("--run", str(older.path))
    assert "has no checkpoint" in error_of(capsys)
