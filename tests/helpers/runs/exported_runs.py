"""Toy runs to export, and what a test of ``export`` needs."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from lightning_app.cli import main
from lightning_app.export.folder import ExportFolder, digest
from lightning_app.runs.folder import Run, find_runs
from tests.helpers.runs.sharp_runs import sharpen
from tests.helpers.toy import toy_config

Capture = pytest.CaptureFixture[str]
WEIGHTS = ("export", "--format", "safetensors")  # takes no time


def train(folder: Path, toy_root: Path) -> Path:
    """A root with two seeds of an experiment, and a run of two modalities."""
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


def sign(folder: ExportFolder) -> None:
    """Make model.json fit the files, as a stranger would who changed them."""
    content = json.loads(folder.record.read_text("utf-8"))
    content["files"] = {
        path.name: {"bytes": path.stat().st_size, "sha256": digest(path)} for path in folder.files()
    }
    folder.record.write_text(json.dumps(content), "utf-8")


def edit_record(folder: ExportFolder, **values: Any) -> None:
    """Change values of model.json: ``images_window`` is that of ``window`` in ``images``."""
    content = json.loads(folder.record.read_text("utf-8"))
    for name, value in values.items():
        section, _, key = name.partition("_")
        if isinstance(content.get(section), dict) and key:
            content[section][key] = value
        else:
            content[name] = value
    folder.record.write_text(json.dumps(content), "utf-8")
