"""CONTRIBUTING.md, walked as written: a network is added to a copy of the program and trained."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.helpers.paths import ROOT

BLOCK = re.compile(
    r"(?P<at_end>at the end of )?`(?P<path>[^`]+)`:\n\n```\w+\n(?P<content>.*?)```", re.S
)


def follow(section: str, copy: Path) -> list[Path]:
    """Do what a section says with files; returns those that it names."""
    touched = []
    for found in BLOCK.finditer(section):
        path = copy / found["path"]
        before = path.read_text("utf-8") if found["at_end"] else ""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(before + found["content"], "utf-8")
        touched.append(path)
    return touched


def run(*command: str, copy: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    return subprocess.run(
        command, cwd=copy, env=environment, capture_output=True, text=True, check=False
    )


def test_a_network_is_one_file_one_import_line_one_yaml_and_one_test(
    tmp_path: Path, toy_root: Path
) -> None:
    copy = tmp_path / "program"
    for room in ("models", "data_modules", "callbacks", "lightning_app", "configs"):
        shutil.copytree(ROOT / room, copy / room, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("main.py", "pyproject.toml", "tests/__init__.py", "tests/models/__init__.py"):
        (copy / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, copy / file)
    section = (ROOT / "CONTRIBUTING.md").read_text("utf-8").split("\n## ")[1]
    assert section.startswith("A network")

    touched = follow(section, copy)

    assert [str(path.relative_to(copy)) for path in touched] == [
        "models/shallow.py", "models/__init__.py", "configs/shallow_t2f.yaml",
        "tests/models/test_shallow.py",
    ]  # fmt: skip
    python = [str(path) for path in touched if path.suffix == ".py"]
    for tool in (["ruff", "check"], ["ruff", "format", "--check"], ["pytest", "-q"]):
        files = python[-1:] if tool[0] == "pytest" else python
        done = run(sys.executable, "-m", *tool, *files, copy=copy)
        assert done.returncode == 0, done.stdout + done.stderr
    command = re.search(r"Then `python (?P<words>[^`]+)`", section)
    assert command is not None
    options = [
        "--data.root", str(toy_root), "--data.image_size", "[32,32]", "--trainer.max_epochs", "1",
        "--trainer.accelerator", "cpu", "--trainer.logger", "false",
        "--data.cache_dir", str(toy_root.parent / "cache"),
    ]  # fmt: skip
    done = run(sys.executable, *command["words"].split(), *options, copy=copy)
    assert done.returncode == 0, done.stderr
    assert "Best epoch" in done.stdout
