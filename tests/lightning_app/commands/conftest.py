"""Fixtures for the tests of commands."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lightning_app.cli import main
from tests.helpers.exported_runs import train

Command = Callable[..., str]


@pytest.fixture
def clean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """A function that runs the command in an empty working folder and returns its output."""
    monkeypatch.chdir(tmp_path)
    Path("runs").mkdir()

    def run(*arguments: str) -> str:
        capsys.readouterr()
        assert main(["clean", *arguments]) == 0
        return capsys.readouterr().out

    return run


@pytest.fixture(scope="session")
def _exportable(tmp_path_factory: pytest.TempPathFactory, toy_root: Path) -> Path:
    return train(tmp_path_factory.mktemp("exportable"), toy_root)


@pytest.fixture
def exportable_runs(_exportable: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of trained runs in ``runs`` of an empty working folder."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(_exportable, "runs")
