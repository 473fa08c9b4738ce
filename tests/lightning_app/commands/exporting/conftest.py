"""Trained runs to export, and exported models."""

import json
import shutil
from pathlib import Path

import pytest

from lightning_app.cli import main
from tests.helpers.runs.exported_runs import train


@pytest.fixture(scope="session")
def _exportable(tmp_path_factory: pytest.TempPathFactory, toy_root: Path) -> Path:
    return train(tmp_path_factory.mktemp("exportable"), toy_root)


@pytest.fixture
def exportable_runs(_exportable: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of trained runs in ``runs`` of an empty working folder."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(_exportable, "runs")


@pytest.fixture(scope="session")
def _exported(_exportable: Path) -> Path:
    """Exported models: "a" of a run, "mirrored" of two runs on mirrored images, "b" of two images.

    The run of "a" is post-processed.
    """
    root = ["--trainer.default_root_dir", str(_exportable)]
    chosen = _exportable.parent / "chosen.json"
    operations = [{"name": "smallest_component", "mm3": 6}]
    content = {"format": 1, "target": "regions", "threshold": 0.4, "operations": operations}
    chosen.write_text(json.dumps(content), "utf-8")
    folder = _exportable.parent / "models"
    for name, words in (
        ("a", ["--run", "a", "--postprocess", str(chosen)]),
        ("mirrored", ["--ensemble", "a", "--tta", "mirror"]),
        ("b", ["--run", "b"]),
    ):
        assert main(["export", *root, *words, "--output", str(folder / name)]) == 0
    return folder


@pytest.fixture
def models(_exported: Path, exportable_runs: None) -> Path:
    """A copy of exported models, and the runs, in an empty working folder."""
    shutil.copytree(_exported, "models")
    shutil.copy(_exported.parent / "chosen.json", ".")
    return Path("models")
