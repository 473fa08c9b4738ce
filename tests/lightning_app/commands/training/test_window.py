"""A training in windows around the brain: all that is scored, written and read is whole slices."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray

from lightning_app import load_run
from lightning_app.runs.folder import Run, find_runs
from tests.conftest import Program
from tests.helpers.toy import write_dataset, write_volume

SIZE, DEPTH = 80, 4
FRAME = ["--data.image_size", f"[{SIZE},{SIZE}]", "--data.slices", "all"]
SPLIT = ["--data.split_sizes", "[3,1,2]"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Six cases of 80 x 80 whose heads are 34 x 34, off the centre; one head is wider."""
    root = write_dataset(tmp_path / "data", 6, size=40, depth=DEPTH)
    for case in sorted(root.iterdir()):
        number = int(case.name.split("-")[2])
        for path in case.glob("*.nii.gz"):
            voxels = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
            moved = np.pad(voxels, ((0, 0), (5 + number, 35 - number), (30, 10)))
            if "-seg" in path.name:
                moved[2, 70:73, 2:5] = 3  # a tumour outside the brain, in no window
            elif number % 2:
                moved[1:, 30, 10:75] = 100
            write_volume(path, moved)
    return root


def only_run() -> Run:
    return find_runs(Path("runs"))[0]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def written(program: Program, root: Path, case: str) -> NDArray[np.uint8]:
    assert program("predict", "--input", str(root / case), "--output", f"out-{case}") == 0
    path = Path(f"out-{case}") / f"{case}.nii.gz"
    voxels: NDArray[np.uint8] = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
    return voxels


def test_a_test_and_predict_segment_alike_and_count_what_lies_outside(
    program: Program, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    window = ["--data.window", "[48,48]", "--trainer.max_epochs", "2"]
    assert program("fit", "--data.root", str(root), *FRAME, *SPLIT, *window) == 0
    assert program("test") == 0

    run = only_run()
    network = json.loads(run.network.read_text("utf-8"))
    assert network["image_size"] == [48, 48]
    assert "get a larger window" in capsys.readouterr().err
    counts = {(row["case"], int(row["slice"])): row for row in rows(run.test().slices)}
    cases = sorted({case for case, _ in counts})
    assert len(cases) == 2
    labels = {case: written(program, root, case) for case in cases}
    some = 0
    for (case, index), row in counts.items():
        seg = sitk.GetArrayFromImage(sitk.ReadImage(str(root / case / f"{case}-seg.nii.gz")))
        reference, prediction = seg[index] > 0, labels[case][index] > 0
        assert not prediction[70:73, 2:5].any()
        assert int(row["fn"]) >= (9 if index == 2 else 0)
        tn = SIZE * SIZE - int((reference | prediction).sum())
        values = [(reference & prediction).sum(), (~reference & prediction).sum()]
        values += [(reference & ~prediction).sum(), tn]
        assert [int(row[name]) for name in ("tp", "fp", "fn", "tn")] == [int(v) for v in values]
        some += int(prediction.sum())
    assert some > 0
    for case in cases:
        np.testing.assert_array_equal(load_run(run.path).segment(root / case), labels[case])


def test_validation_misses_a_tumour_outside_the_window_as_a_test_does(
    program: Program, root: Path
) -> None:
    split = "\n".join(
        f"BraTS-GLI-{number:05d}-000,{side}"
        for number, side in enumerate(["train"] * 4 + ["val", "test"])
    )
    Path("split.csv").write_text(f"case,side\n{split}\n", "utf-8")
    data = ["--data.root", str(root), *FRAME, "--data.window", "[48,48]"]
    assert program("fit", *data, "--data.split_file", "split.csv") == 0
    swapped = split.replace("test", "other").replace("val", "test").replace("other", "val")
    Path("swapped.csv").write_text(f"case,side\n{swapped}\n", "utf-8")

    assert program("test", "--data.split_file", "swapped.csv") == 0

    run = only_run()
    (row,) = rows(run.metrics)
    (folder,) = run.other_tests()
    scores = json.loads(folder.metrics.read_text("utf-8"))["scores"]["whole"]
    for name in ("dice", "recall", "specificity", "accuracy"):
        key = "val/dice" if name == "dice" else f"val/{name}"
        assert float(row[key]) == pytest.approx(scores[name]["value"], abs=1e-6), name


def config_window(run: Run) -> Any:
    return json.loads(run.environment.read_text("utf-8"))["data"]["window"]


def test_what_auto_was_in_the_training_holds_for_other_data_and_when_it_is_resumed(
    program: Program, root: Path, toy_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ["--data.root", str(root), *FRAME, *SPLIT]
    assert program("fit", *data, "--data.window", "auto") == 0
    run = only_run()
    found = config_window(run)
    assert found[1] in (48, 80)
    assert "window: auto" in run.config.read_text("utf-8")
    assert json.loads(run.network.read_text("utf-8"))["image_size"] == found
    capsys.readouterr()

    other = ["--data.root", str(toy_root), "--data.split_sizes", "all-test"]
    assert program("test", *other) == 0
    (folder,) = run.other_tests()
    assert json.loads(folder.metrics.read_text("utf-8"))["data"]["window"] == found

    assert program("fit", "--resume", str(run.path), "--trainer.max_epochs", "2") == 0
    assert config_window(run) == found
    assert "window: auto" in run.config.read_text("utf-8")
    assert len(rows(run.metrics)) == 2


def test_auto_is_refused_for_a_run_without_it(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("fit") == 0

    assert program("test", "--data.window", "auto") == 2
    assert "data.window is auto, but run" in capsys.readouterr().err


def test_a_network_that_cannot_take_a_window_is_refused_by_its_name(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("fit", "--data.window", "[16,32]") == 2
    assert "cannot take slices of data.window [16, 32]" in capsys.readouterr().err
    assert not Path("runs").exists()


def test_a_network_that_cannot_take_the_largest_window_is_refused_before_the_training(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    """A brain as large as the slice would get all of it, in the first validation."""
    assert program("fit", "--data.window", "[32,32]", "--data.image_size", "[40,40]") == 2
    assert "cannot take slices of data.image_size [40, 40]" in capsys.readouterr().err
    assert not Path("runs").exists()
