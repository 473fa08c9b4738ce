"""How long the host waits for data."""

from time import perf_counter

from lightning.pytorch import Trainer
from lightning.pytorch.profilers import Profiler

from callbacks.utils.trainer import attributes


class FetchWatch(Profiler):
    """Measures how long the host waits for the next batch of a loader.

    Only the trainer's profiler is notified when a batch is requested. So this class takes the
    profiler's place and forwards every call to it.

    Args:
        profiler: the trainer's profiler.
    """

    def __init__(self, profiler: Profiler) -> None:
        super().__init__()
        self.profiler = profiler
        self._waited = 0.0
        self._requested = 0.0

    def start(self, action_name: str) -> None:
        """Record when a batch is requested."""
        self.profiler.start(action_name)
        if action_name.endswith("_next"):
            self._requested = perf_counter()

    def stop(self, action_name: str) -> None:
        """Record how long the batch took to arrive."""
        if action_name.endswith("_next"):
            self._waited += perf_counter() - self._requested
        self.profiler.stop(action_name)

    def take(self) -> float:
        """Seconds waited since the last call."""
        waited, self._waited = self._waited, 0.0
        return waited


def install(trainer: Trainer) -> FetchWatch:
    """Wrap the trainer's profiler, unless it is wrapped already."""
    profiler = attributes(trainer).profiler
    watch = profiler if isinstance(profiler, FetchWatch) else FetchWatch(profiler)
    attributes(trainer).profiler = watch
    return watch


def uninstall(trainer: Trainer) -> None:
    """Restore the trainer's profiler."""
    profiler = attributes(trainer).profiler
    if isinstance(profiler, FetchWatch):
        attributes(trainer).profiler = profiler.profiler
