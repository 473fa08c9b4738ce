"""Processes that do not run the main module of the one that started them."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

_starting = threading.Lock()


@contextmanager
def main_module_hidden() -> Iterator[None]:
    """Let multiprocessing take the main module for one without a file while a process starts.

    A script without a main guard would otherwise run once more in each process.
    """
    with _starting:
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main
