"""The processes that train together, one for each device: all work on one run."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from callbacks.utils.signals import stop_signals
from lightning_app.runs.folder import Run
from lightning_app.utils.parent_process import PARENT_VARIABLE, parent_variable

# Lightning starts the other ranks with the environment of rank 0.
RUN_VARIABLE = "BRATS_LIGHTNING_RUN"

_STOPS = {*stop_signals(), signal.SIGINT}
_POLL_S = 0.5


def shared_run() -> Run | None:
    """The run of the process that started this one; None in rank 0."""
    path = os.environ.get(RUN_VARIABLE)
    return Run(Path(path)) if path else None


@contextmanager
def share_run(run: Run) -> Iterator[None]:
    """Pass the run on to the processes that are started from this one, and end them with it."""
    variables = {
        RUN_VARIABLE: str(run.path),
        # Waiting for rank 0, a rank may not notice a gentler signal. Only rank 0 writes files.
        PARENT_VARIABLE: parent_variable(signal.SIGKILL),
    }
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def externally_launched() -> bool:
    """Whether torchrun or srun started several processes, which do not know each other's run."""
    processes = os.environ.get("WORLD_SIZE") or os.environ.get("SLURM_NTASKS") or "1"
    return shared_run() is None and int(processes) > 1


class RankWatch:
    """Ends this process when a rank that it has started has failed, for which it would wait.

    Lightning would kill this process without a word.

    Args:
        processes: gives the ranks that are running.
        on_failure: is called with the reason before the process ends.
    """

    def __init__(
        self,
        processes: Callable[[], Sequence["subprocess.Popen[Any]"]],
        on_failure: Callable[[str], None],
    ) -> None:
        self._processes = processes
        self._on_failure = on_failure
        self._is_over = threading.Event()
        self._ending = threading.Lock()

    def __enter__(self) -> None:
        threading.Thread(target=self._watch, daemon=True).start()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and issubclass(kind, Exception) and self._processes():
            # Perhaps because the connection to the failed rank was lost.
            time.sleep(_POLL_S)
            self._end_if_failed()
        self._is_over.set()

    def _watch(self) -> None:
        while not self._is_over.wait(_POLL_S):
            self._end_if_failed()

    def _end_if_failed(self) -> None:
        with self._ending:
            reason = failure_of(self._processes())
            if reason is None or self._is_over.is_set():
                return
            try:
                self._on_failure(reason)
            finally:
                for process in self._processes():
                    process.kill()
                os._exit(2)


def failure_of(processes: Sequence["subprocess.Popen[Any]"]) -> str | None:
    """Which rank has failed and how; None if none has. A rank that was told to stop has not.

    Args:
        processes: of the ranks from 1 up.
    """
    for rank, process in enumerate(processes, start=1):
        code = process.poll()
        if not code or -code in _STOPS or code - 128 in _STOPS:
            continue
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
        return f"rank {rank} (process {process.pid}) {how}"
    return None
