"""Calls that may take for ever, with a time limit."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")


class LimitedCalls:
    """Calls functions one after another in a thread, and waits for each only so long.

    The thread does not keep the process from ending. A copy has a thread of its own.
    """

    def __init__(self) -> None:
        self._jobs: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def __reduce__(self) -> tuple[type["LimitedCalls"], tuple[()]]:
        return LimitedCalls, ()

    def call(self, function: Callable[[], T], seconds: float) -> T:
        """Return what a function returns; it may use this method itself, without another limit.

        Raises:
            TimeoutError: the function, or an earlier one, takes longer.
            BaseException: what the function raises.
        """
        if threading.current_thread() is self._thread:
            return function()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, daemon=True)
            self._thread.start()
        future: Future[T] = Future()
        self._jobs.put((future, function))
        try:
            return future.result(seconds)
        except TimeoutError:
            if future.done():  # its own
                raise
            raise TimeoutError(f"no answer within {seconds:g} s") from None

    def _work(self) -> None:
        while True:
            future, function = self._jobs.get()
            try:
                future.set_result(function())
            except BaseException as error:  # noqa: BLE001 (it is raised in the caller's thread)
                future.set_exception(error)
