"""The slice cache: memory-mapped arrays, one a modality and choice of slices.

An array lies in ``<folder>/<key>/``. The key is a hash of everything that it was built from, so an
array is never changed, only built, left unused, or, where it was damaged, built anew.
"""

import hashlib
import logging
import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from rich.console import Console
from rich.progress import track

from data_modules.cache.extraction import CaseSlices, ImageJob, LabelJob, read_slices
from data_modules.cache.memmap import SliceArray, open_array, stamp
from data_modules.cache.memmap_writer import ArrayBuilding
from data_modules.cache.slice_selection import SliceChoice, uses_reference
from data_modules.catalog.cases import Case
from data_modules.utils.errors import DataError
from data_modules.utils.problems import Problem
from data_modules.utils.process_pool import Workers, check_main_is_guarded, cores

FORMAT = 5  # raise it whenever the same files and options would give other arrays, or files
CASES_A_PROCESS = 4  # a worker takes half a second to start: fewer cases are not worth one

_log = logging.getLogger(__name__)
_Job = LabelJob | ImageJob


@dataclass(frozen=True)
class SliceCache:
    """Builds and opens arrays.

    Attributes:
        folder: where the arrays lie, shared by all experiments.
        size: height and width of the slices.
        processes: how many may read files at once; None for one a core.
        workers: those processes; hold them while several arrays are opened.
    """

    folder: Path
    size: tuple[int, int]
    processes: int | None = None
    workers: Workers = field(default_factory=Workers, compare=False)

    def labels(
        self, cases: Sequence[Case], choice: SliceChoice, target: tuple[int, ...]
    ) -> SliceArray:
        """Labels, uint8, as BraTS 2023's, of the cases that have a segmentation.

        ``target`` are the labels that matter where the choice looks at the truth.
        """
        wanted = target if uses_reference(choice) else ()
        jobs = [
            LabelJob(case.id, path, tuple(case.release.labels.items()), choice, wanted, self.size)
            for case in cases
            if (path := case.segmentation)
        ]
        return self._array("labels", jobs, np.dtype(np.uint8))

    def images(
        self, cases: Sequence[Case], modality: str, choice: SliceChoice, labels: SliceArray
    ) -> SliceArray:
        """Images of one modality, float16, z-scored over the brain, of the cases that have it.

        Args:
            cases: whose images.
            modality: such as t2f.
            choice: which slices; for ``all`` those with brain.
            labels: the labels of the same cases and choice; they decide where it looks at the
                truth.
        """
        jobs = []
        for case in cases:
            own = choice
            if uses_reference(choice):
                if case.id not in labels.indices:
                    continue
                own = labels.indices[case.id].tolist()
            if path := case.images.get(modality):
                channel = case.channel(modality)
                jobs.append(ImageJob(case.id, path, case.segmentation, own, self.size, channel))
        return self._array(modality, jobs, np.dtype(np.float16))

    def _array(self, what: str, jobs: Sequence[_Job], dtype: np.dtype[Any]) -> SliceArray:
        place = self.folder / f"{what}-{_key(jobs)}"
        array = open_array(place)
        if array is None or _mended(array.bad, jobs):
            self._build_once(place, what, jobs, dtype, stale=array is not None)
            array = open_array(place)
        if array is None:
            raise DataError(f"data.cache_dir: '{place}' was damaged while it was opened")
        return array

    def _build_once(
        self, place: Path, what: str, jobs: Sequence[_Job], dtype: np.dtype[Any], *, stale: bool
    ) -> None:
        """Build an array unless another process does; then wait for that one."""
        check_main_is_guarded()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with ExitStack() as held:
                lock = FileLock(f"{place}.lock")
                try:
                    held.enter_context(lock.acquire(blocking=False))
                except Timeout:
                    _log.info("Another process prepares the %s slices: waiting for it", what)
                    held.enter_context(lock.acquire())
                if not stale and open_array(place) is not None:
                    return
                shutil.rmtree(place, ignore_errors=True)
                unfinished = Path(f"{place}.building")
                shutil.rmtree(unfinished, ignore_errors=True)  # of a build that was killed
                unfinished.mkdir()
                held.callback(shutil.rmtree, unfinished, ignore_errors=True)
                self._build(unfinished, what, jobs, dtype)
                unfinished.rename(place)
        except OSError as error:
            raise DataError(
                f"data.cache_dir '{self.folder}' cannot hold the slices ({error}): make room "
                "there, or name another folder with --data.cache_dir"
            ) from None

    def _build(self, place: Path, what: str, jobs: Sequence[_Job], dtype: np.dtype[Any]) -> None:
        processes = max(1, min(self.processes or cores(), len(jobs) // CASES_A_PROCESS))
        array = ArrayBuilding(place, dtype, self.size)
        array.begin()
        read = partial(array.add_read, read_slices)
        with closing(self.workers.run_in_order(read, jobs, processes)) as results:
            shown = track(
                results,
                description=f"Preparing {what}",
                total=len(jobs),
                console=Console(stderr=True),
            )
            array.finish(shown)


def _key(jobs: Sequence[_Job]) -> str:
    """Hash of the jobs and of the sizes and times of their files."""
    key = hashlib.blake2b(f"format {FORMAT}".encode(), digest_size=8)
    for job in jobs:
        key.update(f"{job!r} {[_stamp(path) for path in job.files()]}\n".encode())
    return key.hexdigest()


def _stamp(path: Path) -> tuple[int, int] | None:
    """Size and time of a file; None where it cannot be had, which the job will find out."""
    try:
        return stamp(path)
    except OSError:
        return None


def _mended(bad: Mapping[str, Problem], jobs: Sequence[_Job]) -> bool:
    """Whether a case that was bad when an array was built can be read now.

    Its file may not have changed: rights, links and network disks come and go.
    """
    return any(isinstance(read_slices(job), CaseSlices) for job in jobs if bad and job.case in bad)
