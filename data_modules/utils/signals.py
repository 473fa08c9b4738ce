"""Signals to a whole group of processes, which worker processes leave to their parent.

Ctrl-C, a closed terminal and a scheduler signal the workers too. If these died, their parent would
fail before it could save its work.
"""

import signal
from types import FrameType


def leave_to_parent() -> None:
    """Ignore what terminals and schedulers send, except SIGTERM, by which pools end workers."""
    for name in ("SIGINT", "SIGHUP", "SIGXCPU", "SIGUSR1"):
        if hasattr(signal, name):  # Windows has only the first
            signal.signal(signal.Signals[name], signal.SIG_IGN)


def leave_to_parent_in_loader(worker: int) -> None:
    """Ignore also the first SIGTERM; the parent sends more to a worker that does not end.

    Args:
        worker: number of the worker, which DataLoader passes.
    """
    leave_to_parent()
    signal.signal(signal.SIGTERM, _end_at_the_next)


def _end_at_the_next(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)
