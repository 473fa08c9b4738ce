"""The signals that ask a process to stop."""

import os
import signal
import stat

_NAMES = ("SIGTERM", "SIGHUP", "SIGXCPU")  # Windows has only the first


def stop_signals() -> list[signal.Signals]:
    """Termination, a closed terminal, and a limit of CPU time, unless they are ignored.

    A signal that is ignored when a process starts is to stay ignored, such as SIGHUP under nohup.
    """
    known = [signal.Signals[name] for name in _NAMES if hasattr(signal, name)]
    return [number for number in known if signal.getsignal(number) is not signal.SIG_IGN]


def leave_closed_terminal() -> None:
    """Discard what is printed to a terminal that was closed: writing to it would fail."""
    for output in (1, 2):
        try:
            is_device = stat.S_ISCHR(os.fstat(output).st_mode)
        except OSError:  # not open
            continue
        if is_device and not os.isatty(output):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, output)
            os.close(null)
