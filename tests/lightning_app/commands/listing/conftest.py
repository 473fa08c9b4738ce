"""An empty working folder for `clean`."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lightning_app.cli import main

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
