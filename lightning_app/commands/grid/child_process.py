"""Runs a function in another process, which stops when this one does."""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from types import FrameType

from callbacks.utils.private_api import run_exit_functions
from callbacks.utils.signals import leave_closed_terminal, stop_signals
from data_modules.utils.main_module import main_module_hidden

# Imported once, by a server from which the processes are forked. It runs nothing else, so it has
# neither threads nor a state of CUDA, with which a fork would fail. W&B is left out: it makes a
# temporary folder when it is imported, which the first process to end would remove for all.
_IMPORTED = [
    "lightning_app.utils.import_torch",
    "lightning_app.commands.fit",
    "lightning_app.commands.test",
    "matplotlib.backends.backend_agg",
]


def run_in_child(function: Callable[..., int], *arguments: str) -> int:
    """Run a function in another process; returns the exit code.

    The process starts without the imports of torch and Lightning, which take seconds, if the system
    can fork it. Ctrl-C reaches it directly, and other signals to stop are passed on. Either way we
    wait for its end. If this process is killed, the other one stops as from SIGTERM.

    Args:
        function: returns the exit code; a function of a module.
        arguments: of the function.
    """
    with _noted_signals() as noted:
        process = _new_process(function, arguments)
        with main_module_hidden(), _blocked_signals():
            process.start()
        noted.pass_on_to(process)
        process.join()
        code = process.exitcode or 0
    # A signal that came at the last moment did not stop the process, but it stops the grid.
    code = noted.exit_code or code
    return code if code >= 0 else 128 - code


def _new_process(function: Callable[..., int], arguments: tuple[str, ...]) -> BaseProcess:
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn").Process(target=_run, args=(function, arguments))
    resource_tracker.ensure_running()  # its start lets signals through that are to be blocked
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_IMPORTED)
    return context.Process(target=_run, args=(function, arguments))


def _run(function: Callable[..., int], arguments: tuple[str, ...]) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _mask_signals("SIG_UNBLOCK")
    try:
        sys.exit(function(*arguments))
    finally:
        run_exit_functions()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os.kill(os.getpid(), signal.SIGTERM)


@contextmanager
def _blocked_signals() -> Iterator[None]:
    """Block the signals to stop in the server and in the processes that start in this block.

    They may be sent to the whole process group. Then the server must not end before the process
    that it has forked, which lets them through.
    """
    _mask_signals("SIG_BLOCK")
    try:
        yield
    finally:
        _mask_signals("SIG_UNBLOCK")


def _mask_signals(how: str) -> None:
    if hasattr(signal, "pthread_sigmask"):  # not on Windows, where nothing is forked
        signal.pthread_sigmask(getattr(signal, how), stop_signals())


class _NotedSignals:
    """The signals to stop that have arrived; they are passed on to a process once it exists."""

    def __init__(self) -> None:
        self._numbers: list[int] = []
        self._process: BaseProcess | None = None

    @property
    def exit_code(self) -> int:
        """128 + the last signal; 0 if none has arrived."""
        return 128 + self._numbers[-1] if self._numbers else 0

    def note(self, number: int, frame: FrameType | None = None) -> None:
        """Handle a signal."""
        self._numbers.append(number)
        leave_closed_terminal()
        if self._process is not None and number != signal.SIGINT:
            _send(number, self._process)

    def pass_on_to(self, process: BaseProcess) -> None:
        """Pass on the signals that came while the process was being started, and later ones."""
        self._process = process
        for number in self._numbers:
            _send(number, process)


def _send(number: int, process: BaseProcess) -> None:
    if process.exitcode is None and process.pid is not None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, number)


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
