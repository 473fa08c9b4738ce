"""How long the host waits for data."""

from time import perf_counter

from lightning.pytorch import Trainer
from lightning.pytorch.profilers import Profiler


class FetchWatch(Profiler):
    """Counts the time in which the host waits for the loader's next batch.

    Lightning tells its profiler, and nothing else, when it asks for a batch. So this one listens in
    the profiler's place, and passes on to it all that it hears.

    Args:
        profiler: the trainer's own.
    """

    def __init__(self, profiler: Profiler) -> None:
        super().__init__()
        self.profiler = profiler
        self._waited = 0.0
        self._asked = 0.0

    def start(self, action_name: str) -> None:
        """Note when a batch is asked for."""
        self.profiler.start(action_name)
        if action_name.endswith("_next"):
            self._asked = perf_counter()

    def stop(self, action_name: str) -> None:
        """Note when it has come."""
        if action_name.endswith("_next"):
            self._waited += perf_counter() - self._asked
        self.profiler.stop(action_name)

    def take(self) -> float:
        """Seconds waited since this was last called."""
        waited, self._waited = self._waited, 0.0
        return waited


def listen(trainer: Trainer) -> FetchWatch:
    """Put a watch in the place of the trainer's profiler; the same again where there is one."""
    heard: Profiler = trainer.profiler  # type: ignore[attr-defined]
    if not isinstance(heard, FetchWatch):
        heard = FetchWatch(heard)
        trainer.profiler = heard  # type: ignore[attr-defined]
    return heard


def stop_listening(trainer: Trainer) -> None:
    """Give the trainer its profiler back."""
    heard: Profiler = trainer.profiler  # type: ignore[attr-defined]
    if isinstance(heard, FetchWatch):
        trainer.profiler = heard.profiler  # type: ignore[attr-defined]
