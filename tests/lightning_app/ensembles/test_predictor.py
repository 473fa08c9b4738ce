"""Which runs can be joined, and what their ensemble is called."""

import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from lightning_app.ensembles.finished_runs import finished_runs
from lightning_app.ensembles.folders import find_ensembles
from lightning_app.ensembles.predictor import Predictor, joined
from lightning_app.runs.folder import Run, find_runs
from lightning_app.runs.record_values import RecordError
from lightning_app.utils.errors import UsageError
from tests.helpers.runs.toy_ensembles import write_ensemble
from tests.helpers.runs.toy_runs import ToyRun

CASES = {"A-000": (10, 10, 5)}
DATA = {"modalities": ["t1c", "t2f"], "target": "whole", "image_size": [240, 240]}


def run_with(root: Path, name: str, **data: Any) -> Run:
    run = Run(root / "unet" / f"20260101-000000-{name}")
    run.path.mkdir(parents=True)
    content = {"data": {**DATA, **data}, "model": {"network": {"class_path": f"models.{name}"}}}
    run.config.write_text(yaml.safe_dump(content), "utf-8")
    return run


@pytest.mark.parametrize(
    ("option", "value", "shown"),
    [
        ("modalities", ["t2f", "t1c"], "['t2f', 't1c']"),  # the same in another order
        ("modalities", ["t1c"], "['t1c']"),
        ("target", "regions", "regions"),
        ("image_size", [240, 224], "[240, 224]"),
    ],
)
def test_runs_must_segment_the_same_classes_in_the_same_images(
    option: str, value: object, shown: str, tmp_path: Path
) -> None:
    first = run_with(tmp_path, "aaaaaa")
    other = run_with(tmp_path, "bbbbbb", **{option: value})

    with pytest.raises(UsageError) as error:
        joined([first, other], tmp_path, is_mirrored=False)

    assert str(error.value) == (
        f"data.{option} is {DATA[option]} in '{first.path}' and {shown} in '{other.path}': the "
        "runs of an ensemble need the same"
    )


def run_with_window(root: Path, name: str, window: object, found: object = None) -> Run:
    """A run with a window; with ``auto`` the one that its training found."""
    run = run_with(root, name, window=window)
    data: dict[str, object] = {
        "kind": "files",
        "fingerprint": "a",
        "split": "b",
        "target": "whole",
        "slices": "all",
    }
    data |= {"eval_slices": "all", "window": found}
    run.environment.write_text(json.dumps({"device": "cpu", "python": "3", "data": data}), "utf-8")
    return run


def test_windows_and_whole_slices_are_not_joined(tmp_path: Path) -> None:
    first = run_with_window(tmp_path, "aaaaaa", "auto", [64, 48])
    second = run_with_window(tmp_path, "bbbbbb", None)

    with pytest.raises(UsageError) as error:
        joined([first, second], tmp_path, is_mirrored=False)

    assert str(error.value) == (
        f"one of '{first.path}' and '{second.path}' was trained with data.window, the other on "
        "whole slices: the runs of an ensemble need the same"
    )


def test_windows_of_any_size_are_joined(tmp_path: Path) -> None:
    runs = [
        run_with_window(tmp_path, "aaaaaa", "auto", [64, 48]),
        run_with_window(tmp_path, "bbbbbb", "auto", [48, 64]),
        run_with_window(tmp_path, "cccccc", [32, 32]),
    ]
    assert joined(runs, tmp_path, is_mirrored=False).runs == tuple(runs)


def test_a_window_that_was_found_but_not_recorded_is_an_error(tmp_path: Path) -> None:
    runs = [run_with_window(tmp_path, name, "auto") for name in ("aaaaaa", "bbbbbb")]

    with pytest.raises(RecordError, match="is missing, which auto has found"):
        joined(runs, tmp_path, is_mirrored=False)


def test_a_run_from_before_windows_has_whole_slices(tmp_path: Path) -> None:
    runs = [run_with(tmp_path, "aaaaaa"), run_with_window(tmp_path, "bbbbbb", None)]
    assert joined(runs, tmp_path, is_mirrored=False).runs == tuple(runs)


@pytest.mark.parametrize(
    ("number", "is_mirrored", "name", "expected"),
    [
        (1, True, None, "unet-aaaaaa-mirror"),
        (2, False, None, "unet-aaaaaa+unet-bbbbbb"),
        (2, True, None, "unet-aaaaaa+unet-bbbbbb-mirror"),
        (2, True, "mine", "mine"),
    ],
)
def test_the_folder_is_named_after_the_runs(
    number: int, is_mirrored: bool, name: str | None, expected: str, tmp_path: Path
) -> None:
    runs = [run_with(tmp_path, "aaaaaa"), run_with(tmp_path, "bbbbbb")][:number]
    predictor = joined(runs, Path("elsewhere"), is_mirrored=is_mirrored, name=name)
    assert predictor.folder.path == tmp_path / "ensembles" / expected
    assert not predictor.is_plain
    assert Predictor.of_run(runs[0]).is_plain


def test_the_ensemble_of_a_copied_run_is_in_the_root_of_the_runs(tmp_path: Path) -> None:
    copied = run_with(tmp_path, "aaaaaa")
    copied = Run(copied.path.rename(tmp_path / "my copy"))
    predictor = joined([copied], tmp_path / "runs", is_mirrored=True)
    assert predictor.folder.path == tmp_path / "runs/ensembles/my copy-mirror"


def test_runs_whose_names_make_no_name_for_a_folder_have_a_hash(tmp_path: Path) -> None:
    runs = [run_with(tmp_path, f"{number:06d}") for number in range(10)]
    folders = [
        joined(members, tmp_path, is_mirrored=is_mirrored).folder.path.name
        for members in (runs, runs[:9])
        for is_mirrored in (False, True)
    ]
    assert len(set(folders)) == 4
    assert all(re.fullmatch(r"ensemble-[0-9a-f]{8}(-mirror)?", name) for name in folders)

    odd = Run(runs[0].path.rename(tmp_path / "@copy"))
    assert joined([odd], tmp_path, is_mirrored=True).folder.path.name.startswith("ensemble-")


def test_a_name_that_is_typed_is_checked(tmp_path: Path) -> None:
    runs = [run_with(tmp_path, "aaaaaa"), run_with(tmp_path, "bbbbbb")]
    for name in ("", "a/b", "20260101-000000-aaaaaa"):
        with pytest.raises(UsageError, match="up to 100 characters"):
            joined(runs, tmp_path, is_mirrored=False, name=name)


def written(root: Path, statuses: Sequence[str]) -> list[Run]:
    runs = []
    for number, status in enumerate(statuses):
        run = ToyRun(CASES, name=f"2026010{number + 1}-000000-aaaaaa", status=status).write(root)
        run.checkpoints.mkdir()
        run.best.touch()
        runs.append(run)
    return runs


def test_the_finished_runs_of_an_experiment_are_joined_the_oldest_first(tmp_path: Path) -> None:
    runs = written(tmp_path, ["finished", "interrupted", "finished", "finished"])
    runs[3].best.unlink()

    for name in ("UNet_t2f", str(tmp_path / "UNet_t2f")):
        found = finished_runs(tmp_path, name)
        assert (found.experiment, found.runs) == ("UNet_t2f", (runs[0], runs[2]))
        assert (
            found.left_out
            == (
                f"{runs[3].path}: it has no checkpoint best.ckpt",
                f"{runs[1].path}: not finished, its status is interrupted",
            )[::-1]
        )


@pytest.mark.parametrize("by_path", [False, True])
def test_the_folds_of_an_experiment_are_joined_too(by_path: bool, tmp_path: Path) -> None:
    *runs, other, alike = written(tmp_path, ["finished"] * 5)
    folders = ["aspp_fold0", "aspp_fold10", "aspp", "aspp_folds", "my_aspp_fold0"]
    for run, folder in zip((*runs, other, alike), folders, strict=True):
        (tmp_path / folder).mkdir()
        shutil.move(run.path, tmp_path / folder)

    found = finished_runs(tmp_path, str(tmp_path / "aspp") if by_path else "aspp")

    expected = tuple(
        Run(tmp_path / folder / run.path.name) for run, folder in zip(runs, folders, strict=False)
    )
    assert (found.experiment, found.runs, found.left_out) == ("aspp", expected, ())


def test_one_finished_run_is_no_ensemble(tmp_path: Path) -> None:
    _, second = written(tmp_path, ["finished", "failed"])
    with pytest.raises(UsageError) as error:
        finished_runs(tmp_path, "UNet_t2f")
    assert str(error.value) == (
        "--ensemble 'UNet_t2f' needs two finished runs, there is 1 run; left out: "
        f"{second.path}: not finished, its status is failed"
    )


def test_an_ensemble_is_no_run(tmp_path: Path) -> None:
    runs = written(tmp_path, ["finished", "finished"])
    ensemble = write_ensemble(tmp_path, "unet", runs)
    (tmp_path / "ensembles" / "empty").mkdir()
    assert find_ensembles(tmp_path) == [ensemble]
    assert find_runs(tmp_path) == runs[::-1]
