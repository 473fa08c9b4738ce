"""A run that is loaded in Python segments as ``predict`` does."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
import torch
import yaml
from numpy.typing import NDArray

from data_modules.utils.errors import DataError
from lightning_app import load_run
from lightning_app.runs.folder import Run, find_runs
from lightning_app.utils.errors import UsageError
from tests.conftest import Program
from tests.helpers.toy import toy_image, toy_labels, write_case


@pytest.fixture
def run(program: Program) -> Run:
    """A run on two modalities, with options that change how the network computes."""
    options = ["--data.modalities", "[t1c,t2f]", "--data.target", "regions", "--data.slices", "all"]
    faster = ["--trainer.precision", "bf16-mixed", "--acceleration.fold_batch_norm", "true"]
    assert program("fit", *options, *faster) == 0
    return find_runs(Path("runs"))[0]


def predicted(program: Program, source: Path) -> NDArray[np.uint8]:
    """What ``predict`` writes for a case, as SimpleITK reads it."""
    assert program("predict", "--input", str(source), "--output", f"{source}-out") == 0
    (path,) = Path(f"{source}-out").glob("*.nii.gz")
    voxels: NDArray[np.uint8] = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
    return voxels


def image_files(case: Path) -> list[Path]:
    return [case / f"{case.name}-{modality}.nii.gz" for modality in ("t1c", "t2f")]


def test_a_case_gets_the_labels_that_predict_writes(
    run: Run, program: Program, tmp_path: Path
) -> None:
    case = write_case(tmp_path / "in", "patient", seed=3, depth=5)
    for path in image_files(case):  # on a grid whose axes are in another order
        sitk.WriteImage(sitk.DICOMOrient(sitk.ReadImage(str(path)), "PIR"), str(path))
    (case / "patient-seg.nii.gz").unlink()
    expected = predicted(program, case)

    labels = load_run(run.path).segment(case)

    assert labels.dtype == np.uint8
    assert labels.shape == expected.shape == (40, 5, 40)
    assert len(np.unique(expected)) > 1
    np.testing.assert_array_equal(labels, expected)


def test_arrays_get_the_labels_of_their_files(run: Run, program: Program, tmp_path: Path) -> None:
    case = write_case(tmp_path / "in", "patient", seed=3, depth=5)
    expected = predicted(program, case)
    t1c, t2f = (nib.load(path).get_fdata().T for path in image_files(case))
    loaded = load_run(run.path)

    named = loaded.segment({"t2f": t2f, "t1c": t1c.astype(np.int16), "t1n": t1c})
    stacked = loaded.segment(torch.from_numpy(np.stack([t1c, t2f])))

    assert len(np.unique(expected)) > 1
    np.testing.assert_array_equal(named, expected)
    np.testing.assert_array_equal(stacked, expected)


def test_a_network_trained_with_a_window_gets_one(program: Program, tmp_path: Path) -> None:
    assert program("fit", "--data.window", "auto", "--data.slices", "all") == 0
    run = find_runs(Path("runs"))[0]
    case = write_case(tmp_path / "in", "patient", seed=3, depth=5)
    expected = predicted(program, case)
    loaded = load_run(run.path)

    assert loaded.window == (32, 32)
    np.testing.assert_array_equal(loaded.segment(case), expected)

    record = json.loads(run.environment.read_text("utf-8"))
    del record["data"]["window"]
    run.environment.write_text(json.dumps(record), "utf-8")
    with pytest.raises(UsageError, match=r"data\.window is missing, which auto has found"):
        load_run(run.path)


def test_a_run_is_found_by_its_name_and_by_the_folder_of_its_experiment(
    run: Run, program: Program
) -> None:
    assert program("fit") == 0  # on one modality

    newest = find_runs(Path("runs"))[0]
    loaded = load_run(Path("runs/unet_t1c"))
    assert loaded.path == load_run("unet_t1c").path == newest.path
    assert load_run(f"unet_t1c/{run.path.name}").path == run.path
    assert loaded.modalities == ["t1c"]
    assert loaded.labels == {1: "whole tumour"}
    assert loaded.config["optimizer"]["init_args"]["lr"] == 0.001
    assert not loaded.network.training


def test_what_is_unlike_the_training_data_is_said(
    program: Program, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert program("fit") == 0
    case = write_case(tmp_path / "in", "patient", names={"t1c": "-t1c"})
    image = sitk.ReadImage(str(case / "patient-t1c.nii.gz"))
    image.SetSpacing((1.0, 1.0, 5.0))
    sitk.WriteImage(image, str(case / "patient-t1c.nii.gz"))
    caplog.clear()

    load_run("unet_t1c").segment(case)

    messages = [record.getMessage() for record in caplog.records]
    assert "This network was trained on middle slices only" in messages[0]
    assert "patient: spacing 5 mm along z, the network was trained on" in messages[-1]


def test_what_cannot_be_segmented_is_an_error_in_words(
    run: Run, tmp_path: Path, toy_root: Path
) -> None:
    loaded = load_run(run.path)
    image = toy_image(toy_labels(0), 0)

    with pytest.raises(UsageError, match=r"holds 14 cases, expected one: name its folder"):
        loaded.segment(toy_root)
    with pytest.raises(UsageError, match=r"no array of t2f, the network .* t1c, t2f; .*: t1c$"):
        loaded.segment({"t1c": image})
    with pytest.raises(UsageError, match=r"shape \(1, 4, 40, 40\), expected .* with 2 channels"):
        loaded.segment(image[None])
    with pytest.raises(DataError, match=r"array of t2f is int16 of shape \(3, 40, 40\), expected"):
        loaded.segment({"t1c": image, "t2f": image[1:]})
    holes = image.astype(np.float64)
    holes[0, 0, 0] = np.nan
    with pytest.raises(DataError, match=r"array of t2f: NaN or infinite in 1 voxel, expected"):
        loaded.segment({"t1c": image, "t2f": holes})
    with pytest.raises(DataError, match=r"array of t1c: the image is constant: .* are 0$"):
        loaded.segment({"t1c": 0 * image, "t2f": image})
    with pytest.raises(UsageError, match="no trained run 'unet_t2f' below 'runs'; nearest"):
        load_run("unet_t2f")


def test_a_run_of_classes_that_nobody_trusts_is_not_loaded(run: Run, tmp_path: Path) -> None:
    config = yaml.safe_load(run.config.read_text("utf-8"))
    config["model"]["loss"] = {"class_path": "subprocess.Popen", "init_args": {"args": "true"}}
    run.config.write_text(yaml.safe_dump(config), "utf-8")

    with pytest.raises(UsageError, match=r"subprocess\.Popen"):
        load_run(run.path)
