"""Runs a command of the program in another process, which stops when this one does."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from callbacks.utils.signals import leave_closed_terminal, stop_signals
from lightning_app.utils.next_command import MAIN
from lightning_app.utils.parent_process import PARENT_VARIABLE, parent_variable


def execute(*arguments: str) -> int:
    """Run a command of the program in another process; returns its exit code.

    Ctrl-C reaches that process directly, and other signals to stop are passed on. Either way we
    wait for its end. If this process is killed, the other one stops as from SIGTERM.
    """
    command = [sys.executable, str(MAIN), *arguments]
    environment = {**os.environ, PARENT_VARIABLE: parent_variable(signal.SIGTERM)}
    with _noted_signals() as noted:
        process = subprocess.Popen(command, env=environment)
        noted.pass_on_to(process)
        code = process.wait()
    # A signal that came at the last moment did not stop the command, but it stops the grid.
    code = code or noted.exit_code
    return code if code >= 0 else 128 - code


class _NotedSignals:
    """The signals to stop that have arrived; they are passed on to a process once it exists."""

    def __init__(self) -> None:
        self._numbers: list[int] = []
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def exit_code(self) -> int:
        """128 + the last signal; 0 if none has arrived."""
        return 128 + self._numbers[-1] if self._numbers else 0

    def note(self, number: int, frame: FrameType | None = None) -> None:
        """Handle a signal."""
        self._numbers.append(number)
        leave_closed_terminal()
        if self._process is not None and number != signal.SIGINT:
            self._process.send_signal(number)

    def pass_on_to(self, process: "subprocess.Popen[bytes]") -> None:
        """Pass on the signals that came while the process was being started, and later ones."""
        self._process = process
        for number in self._numbers:
            process.send_signal(number)


@contextmanager
def _noted_signals() -> Iterator[_NotedSignals]:
    noted = _NotedSignals()
    before = {
        number: signal.signal(number, noted.note) for number in (*stop_signals(), signal.SIGINT)
    }
    try:
        yield noted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
