"""The prepare command."""

from pathlib import Path

import pytest

from lightning_app.cli import main


def test_it_needs_no_config(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["prepare", "--data.root", "nowhere"]) == 2
    assert capsys.readouterr().err == f"error: data.root '{tmp_path}/nowhere' is not a folder\n"
