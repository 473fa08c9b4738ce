"""``export`` writes a whole folder that does what the run does, or nothing."""

import importlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from torch import nn

from lightning_app import load_run
from lightning_app.cli import main
from lightning_app.ensembles.network import joined_network
from lightning_app.ensembles.predictor import Predictor, joined
from lightning_app.ensembles.saved_task import build_task
from lightning_app.export import write
from lightning_app.export.folder import EXPORT, ExportFolder
from lightning_app.export.record import read_model_record
from models import Ensemble, Mirrored
from tests.helpers.runs.exported_runs import WEIGHTS, Capture, edit_record, runs_of

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
safetensors = pytest.importorskip("safetensors.torch")
pytestmark = pytest.mark.usefixtures("exportable_runs")


def test_the_folder_has_a_graph_weights_card_and_example(capsys: Capture) -> None:
    run = runs_of("a")[1]
    assert main(["export", "--run", "a"]) == 0

    printed, folder = capsys.readouterr(), ExportFolder(run.path / EXPORT)
    assert printed.err == ""
    assert len(printed.out.splitlines()) == 10
    assert printed.out.splitlines()[-1].startswith(f"Try it: python {folder.example} t1c=FILE ")
    assert folder.foreign() == []
    record, names = read_model_record(folder.record), {path.name for path in folder.files()}
    assert names == record.files.keys()
    assert len(names) == 5
    assert [r.run for r in record.runs] == [f"a/{run.path.name}"]
    for path in folder.files():
        assert path.stat().st_mode & 0o777 == folder.record.stat().st_mode & 0o777
    for verified in record.verification.values():
        assert verified.largest_difference < 1e-5
        assert (verified.pixels_changed, verified.pixels) == (0, 8 * 3 * 32 * 32)


def test_the_graph_is_one_file_for_images_of_any_size_and_names_no_folder() -> None:
    run = runs_of("b")[0]
    assert main(["export", "--run", "b", "--format", "onnx", "--output", "model"]) == 0
    folder = ExportFolder(Path("model"))
    assert {path.name for path in folder.files()} == {"model.onnx", "README.md", "example.py"}

    graph = onnx.load(folder.onnx)
    assert {opset.domain: opset.version for opset in graph.opset_import} == {"": 20}
    assert str(Path(write.__file__).parents[2]).encode() not in folder.onnx.read_bytes()
    session = onnxruntime.InferenceSession(folder.onnx)
    image = torch.randn(3, 2, 46, 70)
    (found,) = session.run(None, {"image": image.numpy()})
    network = load_run(run.path).network
    with torch.no_grad():
        np.testing.assert_allclose(found, network(image).sigmoid().numpy(), atol=1e-5)


def built(folder: ExportFolder) -> nn.Module:
    """The networks of config.yaml with the weights of model.safetensors, as a stranger would."""
    config = yaml.safe_load(folder.config.read_text("utf-8"))
    weights = safetensors.load_file(folder.weights)
    networks: list[nn.Module] = []
    for index, options in enumerate(config["networks"]):
        module, _, name = options["class_path"].rpartition(".")
        network = getattr(importlib.import_module(module), name)(**options["init_args"])
        own = {k.partition(".")[2]: v for k, v in weights.items() if k.startswith(f"{index}.")}
        network.load_state_dict(own)
        networks.append(network)
    if config["tta"] == "mirror":
        networks = [Mirrored(network, exclusive=config["exclusive"]) for network in networks]
    return Ensemble(networks, exclusive=config["exclusive"]) if networks[1:] else networks[0]


def test_an_ensemble_is_in_the_graph_and_can_be_built_again() -> None:
    assert main(["export", "--ensemble", "a", "--tta", "mirror"]) == 0
    folder, runs = ExportFolder(Path("runs/ensembles/a-mirror") / EXPORT), runs_of("a")
    record = read_model_record(folder.record)
    assert [run.run for run in record.runs] == [f"a/{run.path.name}" for run in runs]
    assert record.tta == "mirror"

    predictor = joined(runs, Path("runs"), is_mirrored=True)
    expected = joined_network(predictor, build_task(runs[0], []), []).eval()
    image = torch.randn(2, 1, 32, 32)
    with torch.no_grad():
        logits = expected(image)
        assert torch.equal(built(folder).eval()(image), logits)
    session = onnxruntime.InferenceSession(folder.onnx)
    (found,) = session.run(None, {"image": image.numpy()})
    np.testing.assert_allclose(found, logits.sigmoid().numpy(), atol=1e-5)
    assert "mean probability of 2 networks on an image and" in folder.card.read_text("utf-8")


def test_an_exported_ensemble_is_no_strange_folder(capsys: Capture) -> None:
    assert main([*WEIGHTS, "--ensemble", "a"]) == 0
    capsys.readouterr()
    assert main(["runs"]) == 0
    assert "no run" not in capsys.readouterr().out


def test_an_earlier_export_is_replaced_and_keeps_its_licence(capsys: Capture) -> None:
    assert main([*WEIGHTS, "--run", "a"]) == 0
    folder = ExportFolder(runs_of("a")[1].path / EXPORT)
    assert "No licence yet" in capsys.readouterr().out
    assert "license: unknown" in folder.card.read_text("utf-8")
    edit_record(folder, licence="cc-by-4.0")

    assert main([*WEIGHTS, "--run", "a"]) == 0
    assert "No licence yet" not in capsys.readouterr().out
    assert read_model_record(folder.record).licence == "cc-by-4.0"
    assert "license: cc-by-4.0\n" in folder.card.read_text("utf-8")


def test_the_card_has_the_scores_of_the_test(capsys: Capture) -> None:
    run = runs_of("a")[1]
    assert main([*WEIGHTS, "--run", "a"]) == 0
    folder = ExportFolder(run.path / EXPORT)
    assert "It was not tested." in folder.card.read_text("utf-8")

    assert main(["test", "--run", "a"]) == 0
    assert main([*WEIGHTS, "--run", "a"]) == 0
    card = folder.card.read_text("utf-8")
    scores = json.loads(run.test().metrics.read_text("utf-8"))["scores"]
    cells = [f"{scores[name]['dice']['value']:.3f}" for name in ("whole", "core", "enhancing")]
    assert f"| dice (pooled) | {' | '.join(cells)} | higher | pooled over all" in card
    assert "6 patients, 6 cases, 6 slices (middle)" in card
    assert f"| a/{run.path.name} | models.UNet | 1 | " in card

    checkpoint = torch.load(run.best, weights_only=True)
    torch.save({**checkpoint, "epoch": 5}, run.best)
    assert main([*WEIGHTS, "--run", "a"]) == 0
    assert "the scores of the run are those of another epoch" in folder.card.read_text("utf-8")


def test_weights_in_channels_last_order_of_a_run_for_gpus_are_written() -> None:
    run = runs_of("a")[1]
    checkpoint = torch.load(run.best, weights_only=True)
    for name, value in checkpoint["state_dict"].items():
        if value.ndim == 4:
            checkpoint["state_dict"][name] = value.to(memory_format=torch.channels_last)
    torch.save(checkpoint, run.best)
    config = yaml.safe_load(run.config.read_text("utf-8"))
    config["acceleration"] |= {"channels_last": True, "compile": True}
    config["trainer"] |= {"accelerator": "gpu", "devices": 4, "precision": "bf16-mixed"}
    run.config.write_text(yaml.safe_dump(config), "utf-8")

    assert main([*WEIGHTS, "--run", str(run.path)]) == 0
    folder = ExportFolder(run.path / EXPORT)
    predictor = Predictor.of_run(run)
    expected = joined_network(predictor, build_task(run, []), []).state_dict()
    found = built(folder).state_dict()
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    assert found.keys() == expected.keys()
