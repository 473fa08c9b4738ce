import signal
from pathlib import Path

import pytest

from lightning_app.commands.grid import child_command
from lightning_app.commands.grid.child_command import execute

STOP_PARENT = "import os, signal, sys, time\nnumber = signal.Signals[sys.argv[1]]\n"
PASSED_ON = "os.kill(os.getppid(), number); time.sleep(60)"
TOO_LATE = "signal.signal(number, signal.SIG_IGN); os.kill(os.getppid(), number); time.sleep(0.5)"


@pytest.mark.usefixtures("default_signals")
@pytest.mark.parametrize(
    ("script", "number", "code"),
    [
        ("", signal.SIGTERM, 0),
        ("raise SystemExit(3)", signal.SIGTERM, 3),
        ("os.kill(os.getpid(), signal.SIGKILL)", signal.SIGTERM, 137),
        (PASSED_ON, signal.SIGTERM, 143),
        (PASSED_ON, signal.SIGHUP, 129),
        (TOO_LATE, signal.SIGTERM, 143),
        (TOO_LATE, signal.SIGINT, 130),  # Ctrl-C as the command ends
    ],
)
def test_the_exit_code_of_a_command_and_the_signals_to_it(
    script: str,
    number: signal.Signals,
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "main.py").write_text(STOP_PARENT + script, "utf-8")
    monkeypatch.setattr(child_command, "MAIN", tmp_path / "main.py")
    handler = signal.getsignal(number)
    assert execute(number.name) == code
    assert signal.getsignal(number) == handler
