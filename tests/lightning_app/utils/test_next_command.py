"""A command that is printed can be typed where it was printed."""

import shlex
import sys
from pathlib import Path

import pytest

from lightning_app.utils.next_command import command_line, open_in_browser


@pytest.mark.parametrize(
    ("typed", "printed"),
    [
        (["python", "main.py", "fit"], "python main.py test --run 'a b'"),
        ([".venv/bin/python", "main.py", "fit"], ".venv/bin/python main.py test --run 'a b'"),
        (["python3", "../my code/main.py"], "python3 '../my code/main.py' test --run 'a b'"),
        (["python", "-m", "pytest"], "python main.py test --run 'a b'"),
    ],
)
def test_interpreter_and_script_are_those_that_were_typed(
    typed: list[str], printed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "orig_argv", typed)
    monkeypatch.setattr(sys, "argv", typed[1:])
    assert command_line("test", "--run", "a b") == printed


def test_a_page_is_opened_from_any_folder(tmp_path: Path) -> None:
    page = tmp_path / "a b" / "report.html"
    words = shlex.split(open_in_browser(page))
    assert words == ["python", "-m", "webbrowser", page.as_uri()]
