"""``predict --model`` writes what ``predict --run`` writes, without torch if it can."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray

from lightning_app.cli import main
from lightning_app.export.runtimes import choice
from tests.helpers.paths import ROOT
from tests.helpers.runs.exported_runs import Capture, error_of, runs_of
from tests.helpers.toy import write_case

pytest.importorskip("onnxruntime")
pytest.importorskip("safetensors")

NAMES = {"t1c": "-t1c", "t2f": "-t2f"}
FLOAT = ("--trainer.precision", "32-true")
# What the runtimes without torch must not import.
SCRIPT = """
import sys
from lightning_app.cli import main
code = main(sys.argv[1:])
print(code, {"torch", "lightning", "jsonargparse", "matplotlib"} & {*sys.modules})
"""


@pytest.fixture(autouse=True)
def _cases(models: Path) -> None:
    write_case(Path("in"), "one", seed=3, names=NAMES, depth=6, size=45)
    source = write_case(Path("in"), "two", seed=4, names=NAMES, depth=5) / "two-t1c.nii.gz"
    image = sitk.ReadImage(str(source))
    sitk.WriteImage(sitk.DICOMOrient(image, "PIR"), str(source))
    (source.parent / "two-t2f.nii.gz").unlink()


def predict(*words: str, output: str = "out", source: str = "in") -> dict[str, Any]:
    """The voxels and the notes of what is written."""
    assert main(["predict", "--input", source, "--output", output, *words]) == 0
    return written(output)


def written(folder: str) -> dict[str, Any]:
    images = {path.name: voxels(path) for path in sorted(Path(folder).rglob("*.nii.gz"))}
    notes = {path.name: json.loads(path.read_text("utf-8")) for path in Path(folder).glob("*.json")}
    return {**images, **notes}


def voxels(path: Path) -> NDArray[np.generic]:
    image = sitk.ReadImage(str(path))
    grid = [*image.GetOrigin(), *image.GetSpacing(), *image.GetDirection()]
    assert np.isfinite(grid).all()
    array: NDArray[np.generic] = sitk.GetArrayFromImage(image)
    return array


@pytest.mark.parametrize("runtime", ["onnx", "torch"])
@pytest.mark.parametrize(
    ("model", "words", "source"),
    [
        ("a", ["--run", "a", "--postprocess", "chosen.json"], "in"),
        ("mirrored", ["--ensemble", "a", "--tta", "mirror"], "in"),
        ("b", ["--run", "b"], "in/one"),
    ],
)
def test_the_voxels_and_the_notes_are_those_of_the_runs(
    model: str, words: list[str], source: str, runtime: str, capsys: Capture
) -> None:
    expected = predict(*words, *FLOAT, output="expected", source=source)
    capsys.readouterr()
    found = predict("--model", f"models/{model}", "--runtime", runtime, source=source)

    printed = capsys.readouterr().out
    assert f"Runtime: {'torch' if runtime == 'torch' else 'ONNX Runtime'}, in float32" in printed
    assert found.keys() == expected.keys()
    assert {"one.nii.gz", "one.json"} <= found.keys()
    for name, value in expected.items():
        if name.endswith(".nii.gz"):
            assert len(np.unique(value)) == 4
            np.testing.assert_array_equal(found[name], value)
            continue
        assert found[name].pop("model") == str(Path("models").absolute() / model)
        assert found[name].pop("runtime") == runtime
        for note in (found[name], value):
            runs = note.pop("members", [note["run"]])
            note |= {"run": "", "runs": [Path(run).parts[-2:] for run in runs]}
        assert found[name] == value


def test_the_graph_is_run_without_torch() -> None:
    words = ["predict", "--model", "models/a", "--input", "in", "--output", "out"]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *words, "--probabilities"],
        capture_output=True, text=True, check=True, env={"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "0 set()"
    assert {path.name for path in Path("out").glob("*.nii.gz")} == {"one.nii.gz", "two.nii.gz"}


def test_pictures_probabilities_and_postprocessing(capsys: Capture) -> None:
    run = ["--run", "a", "--postprocess", "none", "--probabilities", *FLOAT]
    expected = predict(*run, output="expected")
    words = ["--model", "models/a", "--probabilities", "--pictures"]
    found = predict(*words, "--postprocess", "none")
    chosen = predict("--model", "models/a", output="chosen")

    for name in ("one.nii.gz", "two.nii.gz"):
        np.testing.assert_allclose(found[name], expected[name], atol=1e-5)
        assert (chosen[name] != voxels(Path("out") / name)).any()
        assert voxels(Path("out/probabilities") / name).ndim == 4
        picture = Path("out/pictures") / name.replace(".nii.gz", ".png")
        assert picture.read_bytes().startswith(b"\x89PNG")
    assert "Probabilities: out/probabilities" in capsys.readouterr().out
    again = predict(
        "--model", "models/b", "--postprocess", "chosen.json", source="in/one", output="b"
    )
    assert again["one.json"]["postprocessing"]["threshold"] == 0.4


def test_label_maps_of_the_same_run_are_replaced_and_others_are_not(capsys: Capture) -> None:
    first, run = runs_of("a")
    predict("--run", str(run.path), source="in/one")
    predict("--model", "models/a", source="in/one")
    predict("--run", str(first.path), output="other", source="in/one")
    capsys.readouterr()

    words = ["predict", "--model", "models/a", "--input", "in/one", "--output", "other"]
    assert main(words) == 2
    line = error_of(capsys)
    assert line.startswith("error: --output 'other': one.nii.gz is of run '")
    assert line.endswith("name another folder, or replace it with --overwrite")
    assert main([*words, "--overwrite"]) == 0


def test_a_bad_case_does_not_stop_the_others(capsys: Capture) -> None:
    Path("in/one/one-t1c.nii.gz").write_bytes(b"x")
    assert main(["predict", "--model", "models/a", "--input", "in", "--output", "out"]) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("error: cases that could not be segmented: 1 (")
    assert written("out").keys() == {"two.nii.gz", "two.json"}


@pytest.mark.parametrize(
    "word",
    ["--run", "--ensemble=a", "--tta", "--config", "-c", "--data.root", "--trainer.precision=16"],
)
def test_options_of_runs_are_refused(word: str, capsys: Capture) -> None:
    words = ["--model", "models/a", word, "x", "--input", "in", "--output", "out"]
    with pytest.raises(SystemExit, match=r"\A2\Z"):
        main(["predict", *words])
    option = word.partition("=")[0]
    assert error_of(capsys).startswith(
        f"error: {option} is for runs, and --model names an exported"
    )


def test_the_runtime_that_is_chosen(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    words = ["predict", "--model", "models/a", "--input", "in/one", "--output", "out"]
    monkeypatch.setattr(choice, "find_spec", lambda _: None)
    assert main(words) == 0
    assert "Runtime: torch, in float32, on the CPU" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "package", "extra"),
    [
        (["--runtime", "onnx"], "onnx, onnxruntime", "export"),
        (["--runtime", "torch"], "safetensors", "export"),
        (["--runtime", "openvino"], "openvino", "openvino"),
    ],
)
def test_a_missing_package_is_named(
    words: list[str], package: str, extra: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr("lightning_app.export.packages.find_spec", lambda _: None)
    folders = ["--model", "models/a", "--input", "in", "--output", "out"]
    assert main(["predict", *folders, *words]) == 2
    assert error_of(capsys) == (
        f"error: {' '.join(words)} needs {package}, not installed here: "
        f"pip install -e '.[{extra}]' -c constraints.txt"
    )
    assert not Path("out").exists()
