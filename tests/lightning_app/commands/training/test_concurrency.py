"""Eight trainings that are started at once: one cache, one phantom, eight runs."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from lightning_app.runs.folder import find_runs
from lightning_app.runs.status import is_finished
from tests.helpers.paths import MAIN
from tests.helpers.toy import write_dataset

pytestmark = pytest.mark.slow  # eight processes import torch
TOGETHER = 8


def fit_together(folder: Path, *flags: str) -> list[str]:
    """Start so many trainings at once; what each said on standard error."""
    toy = {
        "trainer": {"max_epochs": 1, "accelerator": "cpu", "enable_progress_bar": False},
        "model": {"network": {"init_args": {"widths": [4, 4, 4, 4, 8]}}},
        "data": {"image_size": [32, 32], "batch_size": 4},
    }
    (folder / "toy.yaml").write_text(yaml.safe_dump(toy), "utf-8")
    configs = ["--config", "unet_t1c.yaml", "--config", "toy.yaml"]
    terminal = os.environ | {"FORCE_COLOR": "1", "TERM": "xterm"}  # others show no progress
    started = [
        subprocess.Popen(
            [sys.executable, str(MAIN), "fit", *configs, *flags], env=terminal,
            cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(TOGETHER)
    ]  # fmt: skip
    said = [process.communicate()[1] for process in started]
    assert [process.returncode for process in started] == [0] * TOGETHER, said
    return said


def assert_own_runs(folder: Path) -> None:
    runs = find_runs(folder / "runs")
    assert len(runs) == TOGETHER
    for run in runs:
        assert is_finished(run)
        assert run.best.is_file()
        assert len(run.metrics.read_text("utf-8").splitlines()) == 1 + 1
    assert len({run.metrics.read_bytes() for run in runs}) == 1


def assert_built_once(said: Sequence[str], cache: Path) -> None:
    arrays = sorted(path.parent.name.split("-")[0] for path in cache.glob("*/array.npy"))
    assert arrays == ["labels", "t1c"]
    assert not list(cache.glob("*.part"))
    for array in arrays:
        assert sum(f"Preparing {array}" in lines for lines in said) == 1


def test_one_cache_and_a_run_each(tmp_path: Path) -> None:
    root = write_dataset(tmp_path / "data", 14)

    said = fit_together(tmp_path, "--data.root", str(root))

    assert_built_once(said, tmp_path / "cache")
    assert_own_runs(tmp_path)


def test_one_phantom_and_a_run_each(tmp_path: Path) -> None:
    said = fit_together(tmp_path, "--data.phantom.cases", "6", "--data.phantom.depth", "1")

    (phantom,) = (tmp_path / "cache").glob("phantom-*/")
    assert len([path for path in phantom.iterdir() if path.is_dir()]) == 6
    assert len(list(phantom.rglob("*.nii.gz"))) == 6 * 5
    assert not list(phantom.glob(".*.part"))
    assert sum("Phantom " in lines for lines in said) == 1
    assert_built_once(said, tmp_path / "cache")
    assert_own_runs(tmp_path)
