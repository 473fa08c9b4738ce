"""Imports torch and Lightning faster: with garbage collection off, and without scipy.signal.

The objects that the imports create stay for good; to scan them again and again takes half a second.

torchmetrics, which Lightning imports, imports scipy.signal, a quarter of the CPU time of all
imports, only to give it a function for a package that we do not use. During the import it finds a
stand-in that has this function. Whoever imports scipy.signal meanwhile gets what it asks the
stand-in for from the real module, and afterwards the stand-in is gone.
"""

import gc
import sys
from importlib import import_module
from types import ModuleType
from typing import Any

_SIGNAL = "scipy.signal"


class _StandIn(ModuleType):
    """Has what torchmetrics looks for; the real module is imported for all else."""

    hamming = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what the import system asks every module for
            raise AttributeError(name)
        _remove(self)
        return getattr(import_module(_SIGNAL), name)


def _remove(stand_in: ModuleType) -> None:
    if sys.modules.get(_SIGNAL) is stand_in:
        del sys.modules[_SIGNAL]


_stand_in = _StandIn(_SIGNAL)
sys.modules.setdefault(_SIGNAL, _stand_in)
gc.disable()
import lightning  # noqa: E402, F401
import torch  # noqa: E402, F401

gc.freeze()  # or the first full collection, at some training step, takes a third of a second
gc.enable()
_remove(_stand_in)
