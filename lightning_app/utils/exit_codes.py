"""How a command ends: with an exit code and one line for the user."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from callbacks.utils.signals import leave_closed_terminal, stop_signals
from data_modules.utils.errors import DataError
from lightning_app.utils.errors import UsageError
from lightning_app.utils.streams import PIPE_CLOSED
from lightning_app.utils.text import print_lines, printable

INTERRUPTED = 128 + signal.SIGINT


def exit_code_and_line(error: BaseException) -> tuple[int, str]:
    """The exit code and the message of a command that stopped early; "" if nobody can read it.

    Raises:
        BaseException: the error itself, if it is a bug and not something that a user can fix.
    """
    if isinstance(error, DataError | UsageError | OSError):
        return 2, f"error: {printable(error_message(error))}"
    # Lightning ends on a second Ctrl-C with a SystemExit of 1.
    interrupted = isinstance(error.__context__, KeyboardInterrupt)
    if isinstance(error, KeyboardInterrupt) or (isinstance(error, SystemExit) and interrupted):
        return INTERRUPTED, "Interrupted"
    if isinstance(error, SystemExit) and error.code == PIPE_CLOSED:
        return PIPE_CLOSED, ""
    if isinstance(error, SystemExit) and isinstance(error.code, int) and error.code > 128:
        name = signal.Signals(error.code - 128).name
        return error.code, "Interrupted" if error.code == INTERRUPTED else f"Stopped by {name}"
    raise error


def print_stop(error: BaseException, after_signal: str) -> int:
    """Print why a command stopped early, in one line.

    Args:
        error: what stopped it.
        after_signal: what a signal leaves.

    Returns:
        The exit code.

    Raises:
        BaseException: the error itself, if it is a bug and not something that a user can fix.
    """
    code, line = exit_code_and_line(error)
    if line:
        print_lines(f"{line}: {after_signal}" if code > 128 else line, file=sys.stderr)
    return code


def error_message(error: BaseException) -> str:
    """The message of an error, without the traceback if a DataLoader's worker raised it.

    PyTorch raises such an error again with the traceback as its message; the last line of that is
    the original message.
    """
    text = str(error)
    if not text.startswith(f"Caught {type(error).__name__} in DataLoader worker"):
        return text
    return text.strip().splitlines()[-1].partition(": ")[2]


@contextmanager
def exit_on_signals() -> Iterator[None]:
    """Let a signal to stop raise SystemExit, so that partial files are removed."""
    before = {number: signal.getsignal(number) for number in stop_signals()}

    def stop(number: int, frame: FrameType | None) -> None:
        for repeated in before.keys() - {signal.SIGTERM}:  # they would interrupt the clean-up
            signal.signal(repeated, lambda *_: None)
        leave_closed_terminal()
        sys.exit(128 + number)

    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
