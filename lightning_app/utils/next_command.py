"""The command that a user may type next, in the words of the one that was typed."""

import shlex
import sys
from pathlib import Path

MAIN = Path(__file__).resolve().parents[2] / "main.py"


def command_line(*words: str) -> str:
    """A command of the program with the interpreter and the script as they were typed.

    Args:
        words: the command and its options, not quoted yet.
    """
    interpreter, script = _started()
    return shlex.join([interpreter, script, *words])


def open_in_browser(page: Path) -> str:
    """The command that shows a page; Python's own, because each system has another one."""
    interpreter, _ = _started()
    return shlex.join([interpreter, "-m", "webbrowser", page.resolve().as_uri()])


def _started() -> tuple[str, str]:
    script = sys.argv[0]
    return (sys.orig_argv[0], script) if Path(script).name == MAIN.name else ("python", MAIN.name)
