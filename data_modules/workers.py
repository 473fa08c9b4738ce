"""Worker processes: how many, how they run jobs, and that they end with their parent."""

import os
import signal
import threading
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import TypeVar

import SimpleITK as sitk

from data_modules.errors import DataError

Job = TypeVar("Job")
Result = TypeVar("Result")


def cores() -> int:
    """Cores that this process may use; where the system cannot tell, all of them."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def run_in_order(
    function: Callable[[Job], Result], jobs: Iterable[Job], processes: int
) -> Generator[Result]:
    """Run a function over jobs in worker processes; yield the results in the order of the jobs.

    At most two jobs a process are under way or waiting to be fetched, so memory stays bounded
    however many there are. With one process they run in this one. Close the iterator where it is
    left early: the workers then end at once, as they do when this process is killed.

    Raises:
        DataError: a worker was killed.
    """
    if processes == 1:
        for job in jobs:
            yield function(job)
        return
    # Spawned, not forked: forked workers can hang in ITK, and inherit torch's threads.
    context = get_context("spawn")
    theirs, ours = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(processes, context, _start_worker, (theirs,))
    waiting: list[Future[Result]] = []
    try:
        for job in jobs:
            waiting.append(pool.submit(function, job))
            if len(waiting) >= 2 * processes:
                yield waiting.pop(0).result()
        for future in waiting:
            yield future.result()
    except BrokenProcessPool:
        raise DataError(
            "a worker process was killed, perhaps for want of memory: free some, "
            "and run the command again"
        ) from None
    except BaseException:
        ours.close()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
        ours.close()
        theirs.close()


def _start_worker(parent: Connection) -> None:
    """Leave Ctrl-C to the parent, end with it, and keep to one thread."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Connection) -> None:
    wait([parent])  # nothing is ever sent: it is ready when the other end is closed, however
    os._exit(1)
