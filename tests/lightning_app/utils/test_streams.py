"""Standard output that is closed, or whose encoding lacks a character, in real processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.paths import MAIN, ROOT

SESSION = """
from lightning_app.commands.shared.session import run_session
from lightning_app.utils.streams import prepare_streams
prepare_streams()
raise SystemExit(run_session(lambda _: print("text"), []))
"""


@pytest.mark.parametrize(
    "arguments",
    [[MAIN, "--help"], [MAIN, "report", "--help"], ["-c", SESSION]],
    ids=["help", "help of a command", "session"],
)
def test_a_reader_that_leaves_ends_the_program_quietly(arguments: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        stdout=writer, stderr=subprocess.PIPE, cwd=ROOT, check=False,
    )  # fmt: skip
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


def test_a_file_never_takes_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    script = (
        "import sys; from lightning_app.utils.streams import prepare_streams; prepare_streams();"
        "file = open(sys.argv[1], 'w');"
        "print('out'); print('error', file=sys.stderr); file.write(str(file.fileno()))"
    )
    written = tmp_path / "file"
    command = [sys.executable, "-c", script, str(written)]
    subprocess.run(["sh", "-c", '"$@" <&- >&- 2>&-', "sh", *command], cwd=ROOT, check=True)
    assert int(written.read_text("utf-8")) > 2


@pytest.mark.parametrize(
    ("variables", "shown"),
    [
        ({"PYTHONIOENCODING": "ascii"}, rb"t\xe9st"),
        ({"LC_ALL": "C", "PYTHONUTF8": "0"}, "tést".encode()),
        ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}, rb"t\xe9st"),
    ],
)
def test_names_are_shown_whatever_the_encoding(variables: dict[str, str], shown: bytes) -> None:
    done = subprocess.run(
        [sys.executable, str(MAIN), "tést"],
        env=os.environ | variables, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == b"error: '%s' is not a command; nearest: test\n" % shown
