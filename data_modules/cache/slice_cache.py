"""The slice cache: memory-mapped arrays, one per modality and choice of slices.

An array is stored in ``<folder>/<name>-<key>/``. The key is a hash of everything that it was built
from, so an array is never modified: it is built, left unused, or rebuilt if it was damaged.
"""

import errno
import hashlib
import logging
import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from filelock import Timeout

from data_modules.cache.array_index import ARRAY, FORMAT, is_of_earlier_version
from data_modules.cache.extraction import CaseSlices, ImageJob, LabelJob, read_slices
from data_modules.cache.file_identity import file_identity
from data_modules.cache.memmap import SliceArray, open_array
from data_modules.cache.memmap_writer import ArrayBuilding
from data_modules.cache.slice_selection import SliceChoice, uses_reference
from data_modules.cache.stored_arrays import array_lock, remove_leftovers, unfinished_path
from data_modules.catalog.cases import Case
from data_modules.utils.errors import DataError
from data_modules.utils.problems import Problem
from data_modules.utils.process_pool import Workers, cores
from data_modules.utils.progress import tracked

DEFAULT_FOLDER = Path("cache")
CASES_PER_PROCESS = 4  # a worker takes half a second to start; fewer cases do not pay for it

_FULL = {errno.ENOSPC, errno.EDQUOT}
_NO_LOCKS = {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS}

_log = logging.getLogger(__name__)
_Job = LabelJob | ImageJob


@dataclass(frozen=True)
class SliceCache:
    """Builds and opens arrays.

    Attributes:
        folder: Folder of the arrays, shared by all experiments.
        size: Height and width of the slices.
        processes: Most processes that read files at once; None for one per core.
        needs_brains: Whether the boxes around the brains are needed. Images that an earlier version
            prepared, without them, are then prepared again.
        workers: The pool of these processes; enter it to open several arrays with one pool.
    """

    folder: Path
    size: tuple[int, int]
    processes: int | None = None
    needs_brains: bool = False
    workers: Workers = field(default_factory=Workers, compare=False)

    def labels(
        self, cases: Sequence[Case], choice: SliceChoice, target: tuple[int, ...]
    ) -> SliceArray:
        """Labels of BraTS 2023, uint8, of the cases that have a segmentation.

        Args:
            cases: The cases.
            choice: Which slices; ``all`` means those with a label.
            target: Labels that count if the choice looks at the ground truth.
        """
        counted = target if uses_reference(choice) else ()
        jobs = [
            LabelJob(case.id, path, tuple(case.release.labels.items()), choice, counted, self.size)
            for case in cases
            if (path := case.segmentation)
        ]
        return self._array("labels", jobs, np.dtype(np.uint8))

    def images(
        self, cases: Sequence[Case], modality: str, choice: SliceChoice, labels: SliceArray
    ) -> SliceArray:
        """Images of one modality, float16, z-scored over the brain, of the cases that have it.

        Args:
            cases: The cases.
            modality: Such as t2f.
            choice: Which slices; ``all`` means those with brain.
            labels: Labels of the same cases and choice. They decide which slices, if the choice
                looks at the ground truth.
        """
        jobs = []
        for case in cases:
            case_choice = choice
            if uses_reference(choice):
                if case.id not in labels.indices:
                    continue
                case_choice = labels.indices[case.id].tolist()
            if path := case.images.get(modality):
                channel = case.channel(modality)
                reference = case.segmentation
                jobs.append(ImageJob(case.id, path, reference, case_choice, self.size, channel))
        return self._array(modality, jobs, np.dtype(np.float16))

    def _array(self, what: str, jobs: Sequence[_Job], dtype: np.dtype[Any]) -> SliceArray:
        folder = self.folder / f"{what}-{_key(jobs)}"
        array = open_array(folder)
        if array is None or self._is_stale(array, jobs):
            self._log_why(folder, what, array)
            self._build_once(folder, what, jobs, dtype)
            array = open_array(folder)
        if array is None:
            raise DataError(f"data.cache_dir: '{folder}' was damaged while it was opened")
        return _located(array, jobs)

    def _is_stale(self, array: SliceArray, jobs: Sequence[_Job]) -> bool:
        return (self.needs_brains and array.lacks_brains) or _repaired(array.bad, jobs)

    def _log_why(self, folder: Path, what: str, array: SliceArray | None) -> None:
        """Say why slices that were prepared before are prepared again."""
        if array is not None and self.needs_brains and array.lacks_brains:
            _log.info(
                "Preparing the %s slices again: an earlier version did not keep where each brain "
                "lies, which data.window needs",
                what,
            )
        if array is None and folder.exists():
            _log.warning("The slices in '%s' are damaged: preparing them again", folder)
        earlier = [old for old in self.folder.glob(f"{what}-*") if is_of_earlier_version(old)]
        if earlier:
            size = sum((old / ARRAY).stat().st_size for old in earlier) / 1e9
            _log.info(
                "Preparing the %s slices again, because an earlier version prepared them in "
                "another way; if you no longer use it, delete %s (%.1f GB)",
                *(what, ", ".join(f"'{old}'" for old in earlier), size),
            )

    def _build_once(
        self, folder: Path, what: str, jobs: Sequence[_Job], dtype: np.dtype[Any]
    ) -> None:
        """Build an array, unless another process is building it: then wait for it."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            remove_leftovers(self.folder)
            with ExitStack() as held:
                lock = array_lock(folder)
                try:
                    held.enter_context(lock.acquire(blocking=False))
                except Timeout:
                    _log.info("Another process is preparing the %s slices: waiting for it", what)
                    held.enter_context(lock.acquire())
                built = open_array(folder)  # by that process
                if built is not None and not self._is_stale(built, jobs):
                    return
                shutil.rmtree(folder, ignore_errors=True)
                unfinished = unfinished_path(folder)
                shutil.rmtree(unfinished, ignore_errors=True)  # of a build that was killed just now
                unfinished.mkdir()
                held.callback(shutil.rmtree, unfinished, ignore_errors=True)
                self._build(unfinished, what, jobs, dtype)
                unfinished.rename(folder)
        except OSError as error:
            remedy = "free space there, or " if error.errno in _FULL else ""
            raise DataError(
                f"data.cache_dir '{self.folder}' cannot hold the slices ({_reason(error)}): "
                f"{remedy}choose another folder with --data.cache_dir"
            ) from None

    def _build(self, folder: Path, what: str, jobs: Sequence[_Job], dtype: np.dtype[Any]) -> None:
        processes = max(1, min(self.processes or cores(), len(jobs) // CASES_PER_PROCESS))
        array = ArrayBuilding(folder, dtype, self.size)
        array.begin()
        read = partial(array.add_read, read_slices)
        with closing(self.workers.run_in_order(read, jobs, processes)) as results:
            array.finish(tracked(results, f"Preparing {what}", len(jobs)))


def _reason(error: OSError) -> str:
    return "its file system has no file locks" if error.errno in _NO_LOCKS else str(error)


def _key(jobs: Sequence[_Job]) -> str:
    """Hash of the jobs and the content of their files, but not of the folders they are in."""
    key = hashlib.blake2b(f"format {FORMAT}".encode(), digest_size=8)
    for job in jobs:
        identities = [file_identity(path) for path in job.files()]
        key.update(f"{job.without_folders()!r} {identities}\n".encode())
    return key.hexdigest()


def _located(array: SliceArray, jobs: Sequence[_Job]) -> SliceArray:
    """The array with the present paths in its problems: its data set may have been elsewhere."""
    paths = {(job.case, path.name): str(path) for job in jobs for path in job.files()}

    def located(problem: Problem) -> Problem:
        path = paths.get((problem.case, Path(problem.file).name), problem.file)
        return replace(problem, file=path)

    bad = {case: located(problem) for case, problem in array.bad.items()}
    return replace(array, bad=bad, warnings=[located(warning) for warning in array.warnings])


def _repaired(bad: Mapping[str, Problem], jobs: Sequence[_Job]) -> bool:
    """Whether a case that was bad when the array was built can be read now.

    Its file may be unchanged: permissions, links and network disks come and go.
    """
    return any(isinstance(read_slices(job), CaseSlices) for job in jobs if bad and job.case in bad)
