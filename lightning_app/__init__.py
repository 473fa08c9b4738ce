"""Joins networks, data and callbacks into experiments.

The names below are for Python programs and notebooks; docs/python.md explains them. Each is
imported when it is first used, because torch takes seconds and ``read_scores`` needs none.
"""

import importlib
from typing import TYPE_CHECKING, Any

__all__ = ["BraTSDataModule", "SegmentationTask", "load_run", "read_scores"]

_MODULES = {
    "BraTSDataModule": "data_modules.brats",
    "SegmentationTask": "lightning_app.task",
    "load_run": "lightning_app.api.trained_run",
    "read_scores": "lightning_app.api.scores",
}

if TYPE_CHECKING:  # without __getattr__, so that a wrong name is an error
    from data_modules.brats import BraTSDataModule
    from lightning_app.api.scores import read_scores
    from lightning_app.api.trained_run import load_run
    from lightning_app.task import SegmentationTask
else:

    def __getattr__(name: str) -> Any:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
