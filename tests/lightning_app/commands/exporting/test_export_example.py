"""The program in an exported folder writes what ``predict`` writes, voxel for voxel."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray

from data_modules.phantom.dataset import write_phantom
from lightning_app.export.folder import EXPORT, ExportFolder
from lightning_app.runs.folder import Run, find_runs
from tests.conftest import Program
from tests.helpers.runs.sharp_runs import sharpen
from tests.helpers.toy import REAL, write_case, write_dataset, write_volume

pytest.importorskip("onnxruntime")

NAMES = {"t1c": "-t1c", "t2f": "-t2f"}
FAST = ["--model.network.init_args.widths", "[4,8]", "--trainer.precision", "32-true"]
# Runs a program that cannot import torch, this project or what else only this project needs.
ALONE = """
import runpy, sys
blocked = ["torch", "lightning", "nibabel", "deflate", "jsonargparse"]
blocked += ["models", "data_modules", "callbacks", "lightning_app"]
sys.modules.update(dict.fromkeys(blocked))
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
SMALL = {"name": "smallest_component", "mm3": 20}
LARGEST = {"name": "largest_component"}
ENHANCING = {"name": "small_enhancing_to_core", "mm3": 1e6}


def run_alone(folder: ExportFolder, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-I", "-c", ALONE, str(folder.example), *words],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def segmented(path: str) -> tuple[NDArray[np.uint8], list[tuple[float, ...]]]:
    """The voxels and the grid of a label map."""
    image = sitk.ReadImage(path)
    grid = [image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection()]
    return sitk.GetArrayFromImage(image), grid


@pytest.fixture
def exported(program: Program, toy_root: Path) -> Callable[..., tuple[Run, ExportFolder]]:
    """A function that trains a run, gives it a post-processing and exports it."""

    def export(
        *options: str, operations: list[Any], target: str, seen: Path | None = None
    ) -> tuple[Run, ExportFolder]:
        data = ["--data.target", target, "--data.slices", "all"]
        assert program("fit", *FAST, *data, *options) == 0
        (run,) = find_runs(Path("runs"))
        sharpen(run, seen or min(toy_root.iterdir()))
        threshold = 0.5 if target == "labels" else 0.4
        chosen = {"format": 1, "target": target, "threshold": threshold, "operations": operations}
        run.postprocessing.write_text(json.dumps(chosen), "utf-8")
        assert program("export", "--format", "onnx") == 0
        return run, ExportFolder(run.path / EXPORT)

    return export


def assert_same_as_predict(
    program: Program, folder: ExportFolder, case: Path, files: list[str]
) -> NDArray[np.uint8]:
    """The label map of both."""
    assert program("predict", "--input", str(case), "--output", f"masks-{case.name}") == 0
    done = run_alone(folder, *files, "--output", f"{case.name}.nii.gz")
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")
    expected, grid = segmented(f"masks-{case.name}/{case.name}.nii.gz")
    found, found_grid = segmented(f"{case.name}.nii.gz")
    assert np.count_nonzero(found != expected) == 0
    assert found_grid[0] == grid[0]
    for one, two in zip(found_grid, grid, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-5)
    return expected


def oblique_case(folder: Path) -> Path:
    """A case on a grid of other axes, turned by 0.1 and with other spacings than 1 mm."""
    case = write_case(folder, "oblique", seed=3, names=NAMES, depth=6, size=45)
    turn = np.reshape(sitk.Euler3DTransform((0, 0, 0), 0, 0, 0.1).GetMatrix(), (3, 3))
    for path in map(str, case.glob("*.nii.gz")):
        image = sitk.DICOMOrient(sitk.ReadImage(path), "PIR")
        image.SetDirection((turn @ np.reshape(image.GetDirection(), (3, 3))).ravel().tolist())
        image.SetSpacing((1.25, 2.5, 0.75))
        sitk.WriteImage(image, path)
    return case


def noisy_case(folder: Path) -> Path:
    """A case whose background is noise, stored as floats."""
    case = write_case(folder, "noisy", seed=5, names=NAMES, depth=6, size=44)
    for path in case.glob("*.nii.gz"):
        voxels = sitk.GetArrayFromImage(sitk.ReadImage(str(path))).astype(np.float32)
        noise = np.random.default_rng(1).normal(0, 4, voxels.shape).astype(np.float32)
        write_volume(path, voxels + np.abs(noise))
    return case


def stray_case(folder: Path) -> Path:
    """A case with a single voxel in its last slice, which is no brain."""
    case = write_case(folder, "stray", seed=7, names=NAMES, depth=6, size=44)
    for path in case.glob("*.nii.gz"):
        voxels = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
        voxels[-1], voxels[-1, 20, 20] = 0, 100
        write_volume(path, voxels)
    return case


def files_of(case: Path, *modalities: str) -> list[str]:
    return [f"{name}={case / case.name}-{name}.nii.gz" for name in modalities]


@pytest.mark.parametrize(
    ("target", "operations"),
    [("whole", []), ("regions", [SMALL, ENHANCING, LARGEST]), ("labels", [ENHANCING, SMALL])],
)
def test_one_modality(
    program: Program,
    tmp_path: Path,
    exported: Callable[..., tuple[Run, ExportFolder]],
    target: str,
    operations: list[Any],
) -> None:
    _, folder = exported(target=target, operations=operations)
    for write in (oblique_case, noisy_case, stray_case):
        case = write(tmp_path / "in")
        values = assert_same_as_predict(program, folder, case, files_of(case, "t1c"))
        assert len(np.unique(values)) >= 2
    assert not values[-1].any()


def test_two_modalities_in_windows_that_are_larger_for_a_large_head(
    program: Program, tmp_path: Path, exported: Callable[..., tuple[Run, ExportFolder]]
) -> None:
    root = write_dataset(tmp_path / "windows" / "data", 6)
    frame = ["--data.image_size", "[80,80]", "--data.window", "[48,48]"]
    data = ["--data.root", str(root), "--data.modalities", "[t1c,t2f]"]
    operations = [SMALL]
    _, folder = exported(*data, *frame, target="regions", operations=operations)
    for name, size, moved in (("small", 40, 20), ("large", 66, 7), ("edge", 40, 39)):
        case = write_case(tmp_path / "in", name, seed=1, names=NAMES, size=size)
        for path in case.glob("*.nii.gz"):
            voxels = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
            write_volume(path, np.pad(voxels, ((0, 0), (moved, 79 - size - moved + 4), (12, 4))))
        files = files_of(case, "t2f", "t1c")  # named, so in any order
        values = assert_same_as_predict(program, folder, case, files)
        assert len(np.unique(values)) >= 2
    positional = [word.partition("=")[2] for word in files[::-1]]
    assert run_alone(folder, *positional, "--output", "again.nii.gz").returncode == 0
    assert np.array_equal(segmented("again.nii.gz")[0], values)


def test_a_wrong_number_of_files_is_an_error_in_one_line(
    program: Program, tmp_path: Path, exported: Callable[..., tuple[Run, ExportFolder]]
) -> None:
    _, folder = exported("--data.modalities", "[t1c,t2f]", target="whole", operations=[])
    case = write_case(tmp_path / "in", "case", names=NAMES)
    for words in (files_of(case, "t1c"), files_of(case, "t1c", "t1c"), ["a", "b", "c"]):
        done = run_alone(folder, *words, "--output", "out.nii.gz")
        (line,) = done.stderr.splitlines()
        assert line == f"error: {' '.join(words)}; expected t1c=FILE t2f=FILE"
        assert done.returncode == 1
    other = write_case(tmp_path / "in", "other", names=NAMES, size=42)
    words = [*files_of(case, "t1c"), *files_of(other, "t2f")]
    (line,) = run_alone(folder, *words, "--output", "out.nii.gz").stderr.splitlines()
    assert line == "error: Size (42, 42, 4), expected 3-D images on one grid"
    assert not Path("out.nii.gz").exists()


def test_a_file_that_is_missing_or_damaged_is_an_error_in_one_line(
    program: Program, tmp_path: Path, exported: Callable[..., tuple[Run, ExportFolder]]
) -> None:
    _, folder = exported(target="whole", operations=[])
    damaged = tmp_path / "damaged.nii.gz"
    damaged.write_bytes(b"no image")
    for path, reason in ((tmp_path / "gone.nii.gz", "does not exist"), (damaged, str(damaged))):
        done = run_alone(folder, str(path), "--output", "out.nii.gz")
        (line,) = done.stderr.splitlines()
        assert line.startswith("error: ")
        assert reason in line
        assert done.returncode == 1
    assert not Path("out.nii.gz").exists()


def test_an_output_that_cannot_be_written_is_an_error_without_traceback(
    program: Program, tmp_path: Path, exported: Callable[..., tuple[Run, ExportFolder]]
) -> None:
    _, folder = exported(target="whole", operations=[])
    case = write_case(tmp_path / "in", "case", names=NAMES)
    for output in ("gone/out.nii.gz", "out.unknown"):
        done = run_alone(folder, *files_of(case, "t1c"), "--output", output)
        line = done.stderr.splitlines()[-1]  # the NIfTI library may print one before it
        assert line.startswith("error: ")
        assert "Traceback" not in done.stderr
        assert output in line
        assert done.returncode == 1


def test_a_synthetic_patient(
    program: Program, tmp_path: Path, exported: Callable[..., tuple[Run, ExportFolder]]
) -> None:
    """240 x 240 pixels, a head of some shape, and a tumour of all tissues."""
    (case,) = write_phantom(tmp_path / "phantom", 1, 4, seed=3, modalities=["t1c"])
    options = ["--data.image_size", "[240,240]", "--data.window", "[144,128]"]
    folder = tmp_path / "phantom" / case
    _, model = exported(*options, target="regions", operations=[SMALL], seen=folder)
    values = assert_same_as_predict(program, model, folder, files_of(folder, "t1c"))
    assert len(np.unique(values)) >= 3


@pytest.mark.skipif(not REAL.exists(), reason=f"there are no real patients in {REAL}")
def test_two_real_patients(
    program: Program, exported: Callable[..., tuple[Run, ExportFolder]]
) -> None:
    """Logits of usual size: rounding moves larger ones by more, and a voxel may change."""
    cases = [min((REAL / source).iterdir()) for source in ("glioma", "lgg")]
    options = ["--data.image_size", "[240,240]", "--data.window", "[144,128]"]
    options += ["--data.modalities", "[t2f]"]
    _, folder = exported(*options, target="whole", operations=[SMALL], seen=cases[0])
    for case in cases:
        (image,) = (path for path in case.iterdir() if "t2f" in path.name or "flair" in path.name)
        values = assert_same_as_predict(program, folder, case, [str(image)])
        assert np.count_nonzero(values) > 1000
