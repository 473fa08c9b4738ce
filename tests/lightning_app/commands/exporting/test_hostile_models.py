"""A folder that a stranger wrote or changed: ``predict --model`` says so in a line, with code 2."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from lightning_app.cli import main
from lightning_app.export.folder import ExportFolder
from tests.helpers.runs.exported_runs import Capture, edit_record, error_of, sign
from tests.helpers.toy import write_case

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("safetensors")

Damage = Callable[[ExportFolder], object]


@pytest.fixture
def folder(models: Path) -> ExportFolder:
    write_case(Path("in"), "one", names={"t1c": "-t1c"}, size=32)
    return ExportFolder(models / "a")


def refused(capsys: Capture, runtime: str) -> str:
    """What ``predict`` says of the model; it must write nothing."""
    words = ["--model", "models/a", "--runtime", runtime, "--input", "in", "--output", "out"]
    assert main(["predict", *words]) == 2
    assert not Path("out").exists()
    line = error_of(capsys)
    assert len(line) < 400
    return line


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "model.json: "),
        ("[1]", "model.json: it is a list, expected a JSON object"),
        ("{}", "model.json: 'runs' is missing"),
        ('{"runs": NaN}', "model.json: "),
        ("[" * 100_000, "model.json: it is nested too deep"),
    ],
)
def test_a_model_json_that_is_none(
    text: str, reason: str, folder: ExportFolder, capsys: Capture
) -> None:
    folder.record.write_text(text, "utf-8")
    assert reason in refused(capsys, "onnx")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"format": 2}, "its format is 2, expected 1 at most: it was written by a later version"),
        ({"runs": [3]}, "runs is [3], expected a list of mappings"),
        ({"tta": "flip"}, "tta is 'flip', expected null or mirror"),
        ({"files": ["model.onnx"]}, "files is ['model.onnx'], expected a mapping"),
        ({"files_model.onnx": {"bytes": "1"}}, "files.model.onnx.bytes is '1', expected a whole"),
        ({"images_modalities": 5}, "images.modalities is 5, expected a list of names"),
        ({"images_modalities": ["t1c", "t1c"]}, "expected different names"),
        ({"images_modalities": ["x\n\x1b[31m"]}, "case one has no x\\n\\x1b[31m image"),
        ({"images_image_size": [1e9, 1e9]}, "images.image_size is [1e+09, 1e+09], expected whole"),
        ({"images_window": [16.5, 16]}, "images.window is [16.5, 16], expected whole numbers"),
        ({"images_window": "auto"}, "images.window is 'auto', expected a list of 2 numbers"),
        ({"images_orientation": "RAS"}, "images.orientation is RAS, and this version of the"),
        ({"images_brain": {"li_range": 1}}, "images.brain is {'li_range': 1.0}, and this version"),
        ({"output_labels": []}, "output.labels is empty"),
        ({"output_exclusive": "no"}, "output.exclusive is 'no', expected true or false"),
        ({"output_threshold": None}, "threshold is None, expected a number between 0 and 1"),
        ({"output_operations": [{"name": "x"}]}, "an operation is 'x', expected one of"),
        (
            {"output_labels": [{"value": 256, "class": "core", "meaning": "core"}]},
            "output.labels[0].value is 256, expected 1 to 255",
        ),
        ({"output_classes": ["whole"]}, "a label is of the unknown class 'core'"),
    ],
)
def test_a_model_json_of_another_shape(
    values: dict[str, Any], reason: str, folder: ExportFolder, capsys: Capture
) -> None:
    edit_record(folder, **values)
    assert reason in refused(capsys, "onnx")


@pytest.mark.parametrize(
    ("runtime", "name"),
    [("onnx", "model.onnx"), ("torch", "model.safetensors"), ("torch", "config.yaml")],
)
def test_a_file_that_was_changed_is_missing_or_is_no_file(
    runtime: str, name: str, folder: ExportFolder, capsys: Capture
) -> None:
    path = (folder.path / name).absolute()
    content = path.read_bytes()
    for changed in (content[:-1] + bytes([content[-1] ^ 1]), content[:-1], b""):
        path.write_bytes(changed)
        line = refused(capsys, runtime)
        assert line.startswith(f"error: {path}: it was changed since export wrote it: its SHA-256")
    path.unlink()
    assert refused(capsys, runtime) == f"error: --model: there is no file '{path}'"
    os.mkfifo(path)
    assert refused(capsys, runtime) == f"error: --model: there is no file '{path}'"
    path.unlink()
    sign(folder)
    path.write_bytes(content)
    assert refused(capsys, runtime) == f"error: {path}: model.json does not list it"


def external(folder: ExportFolder, place: str) -> None:
    """Put the weights of the graph into another file."""
    model = onnx.load(folder.onnx)
    onnx.save(
        model, folder.onnx, save_as_external_data=True, location="weights.bin", size_threshold=0
    )
    model = onnx.load(folder.onnx, load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = place
    folder.onnx.write_bytes(model.SerializeToString())


def hidden(folder: ExportFolder) -> None:
    """Put a tensor with data elsewhere into an inner graph of a node."""
    model = onnx.load(folder.onnx)
    tensor = onnx.TensorProto(name="x", data_type=1, dims=[1], data_location="EXTERNAL")
    tensor.external_data.add(key="location", value="/etc/passwd")
    inner = onnx.helper.make_graph([], "inner", [], [], initializer=[tensor])
    model.graph.node[0].attribute.append(onnx.helper.make_attribute("body", inner))
    folder.onnx.write_bytes(model.SerializeToString())


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda f: external(f, "weights.bin"), "its weights are in another file, 'weights.bin'"),
        (lambda f: external(f, "../x"), "its weights are in another file, '../x', expected in"),
        (hidden, "its weights are in another file, '/etc/passwd', expected in itself"),
        (lambda f: f.onnx.write_bytes(b"hello" * 50), "it is not an ONNX file"),
        (lambda f: f.onnx.write_bytes(b""), "its input is {}, expected 'image' with 1 channels"),
        (
            lambda f: shutil.copy(f.path.parent / "b" / f.onnx.name, f.onnx),
            "its input is {'image': 2}, expected 'image' with 1 channels",
        ),
    ],
)
@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
def test_a_graph_of_a_stranger(
    damage: Damage, reason: str, runtime: str, folder: ExportFolder, capsys: Capture
) -> None:
    if runtime == "openvino":
        pytest.importorskip("openvino")
    damage(folder)
    sign(folder)
    assert f"{folder.onnx.absolute()}: {reason}" in refused(capsys, runtime)


def test_a_graph_that_the_runtime_refuses(folder: ExportFolder, capsys: Capture) -> None:
    model = onnx.load(folder.onnx)
    model.graph.node[0].op_type = "Unknown"
    folder.onnx.write_bytes(model.SerializeToString())
    sign(folder)
    assert "model.onnx: the runtime cannot run it: " in refused(capsys, "onnx")


def config(**changes: Any) -> Damage:
    def change(folder: ExportFolder) -> None:
        content = yaml.safe_load(folder.config.read_text("utf-8"))
        folder.config.write_text(yaml.safe_dump({**content, **changes}), "utf-8")

    return change


def network(class_path: str, **init_args: Any) -> Damage:
    return config(networks=[{"class_path": class_path, "init_args": init_args}])


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (network("stranger.Network"), "only if you know its code, add --trust stranger"),
        (network("os.system", command="touch out"), "os"),
        (network("lightning_app.task.SegmentationTask"), "SegmentationTask"),
        (network("torch.nn.Linear", in_features=1, out_features=1), "do not fit ModuleList"),
        (network("models.UNet", widths=[10**6, 10**6]), "its weights need more than"),
        (network("models.UNet", width=3), "width"),
        (config(networks=5), "networks is 5, expected a list of mappings"),
        (config(networks=[]), "networks is empty"),
        (config(tta="mirror"), "tta is 'mirror', in model.json it is None"),
        (config(exclusive=True), "exclusive is True, in model.json it is False"),
        (lambda f: f.config.write_text("- 1", "utf-8"), "it is no mapping of options to values"),
        (lambda f: f.config.write_text("{", "utf-8"), "is not valid YAML"),
        (lambda f: f.config.write_bytes(b"\xff\xfe\xff"), "config.yaml: "),
        (lambda f: f.weights.write_bytes(b"x" * 99), "model.safetensors: it is damaged: "),
        (
            lambda f: shutil.copy(f.path.parent / "b" / f.weights.name, f.weights),
            "0.encoder.0",
        ),
    ],
)
def test_networks_of_a_stranger(
    damage: Damage, reason: str, folder: ExportFolder, capsys: Capture
) -> None:
    damage(folder)
    sign(folder)
    assert reason in refused(capsys, "torch")


def test_a_class_that_is_trusted_is_built(
    folder: ExportFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    (tmp_path / "my_networks.py").write_text("from models import UNet\n\nclass Mine(UNet): pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    text = folder.config.read_text("utf-8").replace("models.UNet", "my_networks.Mine")
    folder.config.write_text(text, "utf-8")
    sign(folder)
    assert "add --trust my_networks" in refused(capsys, "torch")
    words = ["--model", "models/a", "--runtime", "torch", "--input", "in", "--output", "out"]
    assert main(["predict", *words, "--trust", "my_networks"]) == 0
