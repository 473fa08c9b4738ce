"""What a run records about the program's own version."""

import subprocess
from pathlib import Path

import pytest
import torch

from lightning_app.runs import environment as module
from lightning_app.runs.environment import PACKAGES, environment

CPU = torch.device("cpu")


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that holds the program."""
    monkeypatch.setattr(module, "__file__", str(tmp_path / "environment.py"))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    (tmp_path / "environment.py").touch()
    return tmp_path


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    command = ["git", *identity, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.usefixtures("program")
def test_outside_a_repository_there_is_no_commit() -> None:
    assert environment(CPU)["git"] is None


def test_the_commit_and_whether_files_differ_from_it(program: Path) -> None:
    git(program, "init")
    git(program, "add", ".")
    git(program, "commit", "--message", "First")
    commit = git(program, "rev-parse", "HEAD")

    assert environment(CPU)["git"] == {"commit": commit, "changed": False}
    (program / "environment.py").write_text("1")
    assert environment(CPU)["git"] == {"commit": commit, "changed": True}


def test_the_machine_and_the_versions() -> None:
    recorded = environment(CPU)

    assert recorded["device"].startswith("cpu (")
    assert recorded["packages"].keys() == set(PACKAGES)
    assert recorded["packages"]["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert recorded["threads"] == torch.get_num_threads()
