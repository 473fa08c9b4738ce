"""Worker processes: how many, how they run jobs, and how they end with their parent."""

import os
import threading
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Self, TypeVar

import SimpleITK as sitk
from threadpoolctl import threadpool_limits

from data_modules.utils.errors import DataError
from data_modules.utils.main_module import main_module_hidden
from data_modules.utils.malloc import keep_freed_memory
from data_modules.utils.signals import leave_to_parent

WORKER_KILLED = "a worker process was killed, perhaps because memory ran out"

Job = TypeVar("Job")
Result = TypeVar("Result")


def cores() -> int:
    """Cores that this process may use; all of them on systems that do not say."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


class Workers:
    """A pool of worker processes that starts with the first jobs.

    A worker takes half a second to start. Enter the pool (``with workers:``) to keep it for several
    sequences of jobs; otherwise it ends after each. The workers end at once if a sequence fails or
    is abandoned, and if this process is killed.
    """

    def __init__(self) -> None:
        self._holders = 0
        self._pool: _Pool | None = None

    def __enter__(self) -> Self:
        self._holders += 1
        return self

    def __exit__(self, *_: object) -> None:
        self._holders -= 1
        if not self._holders:
            self._end()

    def run_in_order(
        self, function: Callable[[Job], Result], jobs: Iterable[Job], processes: int
    ) -> Generator[Result]:
        """Run a function over jobs; yield the results in the order of the jobs.

        At most two jobs per process are running or waiting to be consumed, which bounds memory.
        With ``processes=1`` the jobs run in this process. Close the iterator if you abandon it.

        Raises:
            DataError: A worker was killed.
        """
        if processes == 1:
            yield from map(function, jobs)
            return
        with self:
            executor = self._started(processes)
            waiting: list[Future[Result]] = []
            try:
                for job in jobs:
                    waiting.append(executor.submit(function, job))
                    if len(waiting) >= 2 * processes:
                        yield waiting.pop(0).result()
                while waiting:
                    yield waiting.pop(0).result()
            except BrokenProcessPool:
                self._end()
                raise DataError(f"{WORKER_KILLED}: free some, and run the command again") from None
            except BaseException:
                self._end(at_once=True)
                raise

    def _started(self, processes: int) -> ProcessPoolExecutor:
        if self._pool is not None and self._pool.processes != processes:
            self._end()
        if self._pool is None:
            self._pool = _Pool(processes)
        return self._pool.executor

    def _end(self, *, at_once: bool = False) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.end(at_once=at_once)


def run_in_order(
    function: Callable[[Job], Result], jobs: Iterable[Job], processes: int
) -> Generator[Result]:
    """Run jobs in a pool of their own. See ``Workers.run_in_order``."""
    return Workers().run_in_order(function, jobs, processes)


class _WorkerProcess(SpawnProcess):
    """A spawned process that does not run its parent's main module, which no job needs.

    The worker would otherwise wait for what its parent is building, and the parent for the worker.
    """

    def start(self) -> None:
        """Start it."""
        with main_module_hidden():
            super().start()


class _WorkerContext(SpawnContext):
    """Spawned: forked workers can hang in ITK, and inherit torch's threads."""

    Process = _WorkerProcess


class _Pool:
    """Processes, and a pipe that ends them when it is closed."""

    def __init__(self, processes: int) -> None:
        context = _WorkerContext()
        self.processes = processes
        self._child_end, self._parent_end = context.Pipe(duplex=False)
        self.executor = ProcessPoolExecutor(processes, context, _start_worker, (self._child_end,))

    def end(self, *, at_once: bool) -> None:
        """End the processes: now, or once their jobs are finished."""
        if at_once:
            self._parent_end.close()
        self.executor.shutdown(cancel_futures=True)
        self._parent_end.close()
        self._child_end.close()


def _start_worker(parent: Connection) -> None:
    """Leave signals to the parent, end with it, use one thread, and keep freed memory."""
    leave_to_parent()
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    # Each worker's BLAS would otherwise start a thread per core, which mostly wait for one another.
    threadpool_limits(1)
    keep_freed_memory()
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Connection) -> None:
    wait([parent])  # nothing is sent: it is ready once the other end is closed, for whatever reason
    os._exit(1)
