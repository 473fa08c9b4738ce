"""Ends a process when the one that started it has died, even from SIGKILL."""

import os
import signal
import threading
import time

# The parent's process id, and the signal that ends the child when that process has died.
PARENT_VARIABLE = "BRATS_LIGHTNING_PARENT"
_POLL_S = 0.1


def parent_variable(number: signal.Signals) -> str:
    """The value of the variable for children of this process.

    Args:
        number: the signal that a child sends itself.
    """
    return f"{os.getpid()} {number}"


def end_with_parent() -> None:
    """Watch the parent from now on, if it has set the variable."""
    if value := os.environ.get(PARENT_VARIABLE):
        parent, number = map(int, value.split())
        threading.Thread(target=_watch, args=(parent, number), daemon=True).start()


def _watch(parent: int, number: int) -> None:
    while os.getppid() == parent:
        time.sleep(_POLL_S)
    os.kill(os.getpid(), number)
