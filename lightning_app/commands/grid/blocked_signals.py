"""Signals to stop do not end the process from which commands are forked.

They may be sent to the whole process group: then the command ends by itself, and that process after
it. Importing this module blocks them; a command lets them through.
"""

import signal

from callbacks.utils.signals import stop_signals

_BLOCKED = stop_signals()
if hasattr(signal, "pthread_sigmask"):  # not on Windows, where nothing is forked
    signal.pthread_sigmask(signal.SIG_BLOCK, _BLOCKED)


def release() -> None:
    """Let the signals through, also those that came while they were blocked."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _BLOCKED)
