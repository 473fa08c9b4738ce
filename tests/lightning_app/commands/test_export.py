"""``export`` writes a whole folder that does what the run does, or nothing."""

import importlib
import json
import shutil
import sys
from pathlib import Path
from typing import Any

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
from lightning_app.export import packages, write
from lightning_app.export.folder import EXPORT, ExportFolder
from lightning_app.export.record import read_model_record
from lightning_app.runs.folder import Run, find_runs
from models import Ensemble, Mirrored
from tests.helpers.disk import make_read_only, small_disk
from tests.helpers.sharp_runs import sharpen
from tests.helpers.toy import toy_config

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
safetensors = pytest.importorskip("safetensors.torch")

Capture = pytest.CaptureFixture[str]
WEIGHTS = ("export", "--format", "safetensors")  # takes no time


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, toy_root: Path) -> Path:
    """A root with two seeds of an experiment, and a run of two modalities."""
    folder = tmp_path_factory.mktemp("trained")
    config = toy_config(toy_root)
    config["trainer"] |= {"logger": False, "default_root_dir": str(folder / "runs")}
    config["model"]["network"]["init_args"]["widths"] = [4, 8]
    config["data"] |= {"target": "regions", "split_sizes": [5, 3, 6]}
    (folder / "toy.yaml").write_text(yaml.safe_dump(config), "utf-8")
    toy = ["--config", str(folder / "toy.yaml")]
    for name, seed, modalities in (("a", 0, "[t1c]"), ("a", 1, "[t1c]"), ("b", 0, "[t1c,t2f]")):
        words = ["--config", "unet_t1c.yaml", *toy, "--name", name]
        words += ["--seed_everything", str(seed), "--data.modalities", modalities]
        assert main(["fit", *words]) == 0
    for run in find_runs(folder / "runs"):
        sharpen(run, min(toy_root.iterdir()))
    return folder / "runs"


@pytest.fixture(autouse=True)
def _copy(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of them in ``runs`` of the working folder."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(trained, "runs")


def runs_of(experiment: str) -> list[Run]:
    """The oldest first."""
    return [run for run in find_runs(Path("runs")) if run.experiment == experiment][::-1]


def error_of(capsys: Capture) -> str:
    """The only line on standard error."""
    (line,) = capsys.readouterr().err.splitlines()
    return line


def refused(*words: str) -> None:
    """Run a command that cannot be carried out."""
    with pytest.raises(SystemExit, match=r"\A2\Z"):  # the parser's, or that of main.py
        sys.exit(main(["export", *words]))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def edit_record(folder: ExportFolder, **values: Any) -> None:
    content = json.loads(folder.record.read_text("utf-8"))
    folder.record.write_text(json.dumps({**content, **values}), "utf-8")


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
    assert line.endswith("expected 0; nothing was written")
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
    absent = {"onnxscript", "onnxruntime", "safetensors"}
    monkeypatch.setattr(packages, "find_spec", lambda name: None if name in absent else name)
    remedy = "not installed here: pip install -e '.[export]' -c constraints.txt"
    assert main(["export", "--run", "a", "--format", "onnx"]) == 2
    assert error_of(capsys) == f"error: export needs onnxscript, onnxruntime, {remedy}"
    assert main([*WEIGHTS, "--run", "a"]) == 2
    assert error_of(capsys) == f"error: export needs safetensors, {remedy}"


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


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--run", "c"], "no trained run 'c'"),
        (["--run", "a", "--run", "b"], "the runs of an ensemble need the same"),
        (["--run", "a", "--format", "onnx,safetensors"], "format"),
        (["--run", "a", "--tta", "flip"], "--tta is 'flip', expected mirror"),
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
