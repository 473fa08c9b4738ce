"""The slice cache: memory-mapped arrays, one a modality and choice of slices.

``<folder>/<key>/array.npy`` holds the slices, ``index.json`` says whose they are. The key is a hash
of everything an array was built from, so an array is never changed, only built or left unused.
Row 0 of every array is blank: it stands for the slices that an array leaves out because nothing is
in them (no brain in an image, no label in a segmentation).
"""

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from data_modules.cases import Case
from data_modules.errors import DataError
from data_modules.problems import Problem
from data_modules.reading import CaseSlices, ImageJob, LabelJob, read_slices, run_in_order
from data_modules.slices import SliceChoice, looks_at_truth

FORMAT = 2  # raise it whenever the same files and options would give other arrays
CASES_A_PROCESS = 4  # a worker takes a second to start: fewer cases than this are not worth one

_log = logging.getLogger(__name__)
_Job = LabelJob | ImageJob


@dataclass(frozen=True)
class SliceArray:
    """An array of the cache, opened.

    Attributes:
        values: memory map (1 + slices, height, width); row 0 is blank.
        indices: for each case the indices of its slices, rising.
        first_row: for each case the row of its first slice.
        spacings: for each case the distance of voxels in mm, x, y, z.
        digest: hash of the values, the same on every machine that reads the same files.
        sizes: for each case the voxels of the volume along x, y, z.
        intensities: for each case the lowest, the mean and the highest in the brain before
            normalisation; of images alone.
        bad: cases whose file cannot be used, and why; they are in none of the above.
        warnings: what looks wrong with files that are used.
    """

    values: NDArray[Any]
    indices: Mapping[str, NDArray[np.int64]]
    first_row: Mapping[str, int]
    spacings: Mapping[str, tuple[float, float, float]]
    digest: str
    sizes: Mapping[str, tuple[int, int, int]]
    intensities: Mapping[str, tuple[float, float, float]]
    bad: Mapping[str, Problem]
    warnings: Sequence[Problem]

    def rows(self, case: str, wanted: NDArray[np.int64]) -> NDArray[np.int64]:
        """The rows of slices of a case; 0, the blank one, for those that the array leaves out."""
        have = self.indices[case]
        place = np.searchsorted(have, wanted)
        found = place < len(have)
        found[found] = have[place[found]] == wanted[found]
        return np.where(found, self.first_row[case] + place, 0)

    def spacing_range(self, cases: Sequence[str]) -> dict[str, tuple[float, float]]:
        """The smallest and the largest spacing of some cases in mm, by axis."""
        spacings = np.array([self.spacings[case] for case in cases])
        ends = zip(spacings.min(axis=0).tolist(), spacings.max(axis=0).tolist(), strict=True)
        return dict(zip("xyz", ends, strict=True))


@dataclass(frozen=True)
class SliceCache:
    """Builds and opens arrays.

    Attributes:
        folder: where the arrays lie, shared by all experiments.
        size: height and width of the slices.
        processes: how many may read files at once; None for one a core.
    """

    folder: Path
    size: tuple[int, int]
    processes: int | None = None

    def labels(
        self, cases: Sequence[Case], choice: SliceChoice, target: tuple[int, ...]
    ) -> SliceArray:
        """Labels, uint8, as BraTS 2023's, of the cases that have a segmentation.

        ``target`` are the labels that matter where the choice looks at the truth.
        """
        wanted = target if looks_at_truth(choice) else ()
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
            if looks_at_truth(choice):
                if case.id not in labels.indices:
                    continue
                own = labels.indices[case.id].tolist()
            if path := case.images.get(modality):
                jobs.append(ImageJob(case.id, path, case.segmentation, own, self.size))
        return self._array(modality, jobs, np.dtype(np.float16))

    def _array(self, what: str, jobs: Sequence[_Job], dtype: np.dtype[Any]) -> SliceArray:
        place = self.folder / f"{what}-{_key(jobs)}"
        array = _open(place)
        if array is None or _mended(array.bad, jobs):
            self._build_once(place, what, jobs, dtype, stale=array is not None)
            array = _open(place)
        if array is None:
            raise DataError(f"data.cache_dir: '{place}' was damaged while it was opened")
        return array

    def _build_once(
        self, place: Path, what: str, jobs: Sequence[_Job], dtype: np.dtype[Any], *, stale: bool
    ) -> None:
        """Build an array unless another process does; then wait for that one."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with ExitStack() as held:
                lock = FileLock(f"{place}.lock")
                try:
                    held.enter_context(lock.acquire(blocking=False))
                except Timeout:
                    _log.info("Another process prepares the %s slices: waiting for it", what)
                    held.enter_context(lock.acquire())
                if not stale and _open(place) is not None:
                    return
                shutil.rmtree(place, ignore_errors=True)
                unfinished = Path(f"{place}.building")
                shutil.rmtree(unfinished, ignore_errors=True)  # of a build that was killed
                unfinished.mkdir()
                held.callback(shutil.rmtree, unfinished, ignore_errors=True)
                self._build(unfinished, what, jobs, dtype)
                unfinished.rename(place)
        except OSError as error:
            raise DataError(f"data.cache_dir '{self.folder}': {error}") from None
        except BrokenProcessPool:
            raise DataError(
                f"a process that read the {what} files was killed, perhaps for want of memory"
            ) from None

    def _build(self, place: Path, what: str, jobs: Sequence[_Job], dtype: np.dtype[Any]) -> None:
        processes = max(1, min(self.processes or _cores(), len(jobs) // CASES_A_PROCESS))
        digest = hashlib.blake2b(digest_size=16)
        cases: dict[str, dict[str, Any]] = {}
        bad: dict[str, dict[str, Any]] = {}
        warnings: list[dict[str, Any]] = []
        rows = 1
        with (place / "array.npy").open("wb") as file:
            _write_header(file, dtype, rows, self.size)
            file.write(np.zeros(self.size, dtype).tobytes())
            results = run_in_order(read_slices, jobs, processes)
            for part in track(
                results,
                description=f"Preparing {what}",
                total=len(jobs),
                console=Console(stderr=True),
            ):
                if isinstance(part, Problem):
                    bad[part.case] = asdict(part)
                    continue
                values = np.ascontiguousarray(part.values, dtype)
                file.write(values.data)
                digest.update(_signature(part))
                digest.update(values.data)
                cases[part.case] = {
                    "indices": part.indices.tolist(),
                    "spacing": part.spacing,
                    "size": part.size,
                    "intensities": part.intensities,
                }
                warnings += map(asdict, part.warnings)
                rows += len(values)
            file.seek(0)
            _write_header(file, dtype, rows, self.size)
        index = {
            "format": FORMAT,
            "what": what,
            "digest": digest.hexdigest(),
            "cases": cases,
            "bad": bad,
            "warnings": warnings,
        }
        (place / "index.json").write_text(json.dumps(index), encoding="utf-8")


def _cores() -> int:
    """Cores that this process may use; where the system cannot tell, all of them."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _key(jobs: Sequence[_Job]) -> str:
    """Hash of the jobs and of the sizes and times of their files."""
    key = hashlib.blake2b(f"format {FORMAT}".encode(), digest_size=8)
    for job in jobs:
        key.update(f"{job!r} {[_stamp(path) for path in job.files()]}\n".encode())
    return key.hexdigest()


def _stamp(path: Path) -> tuple[int, int] | None:
    """Size and time of a file; None where it cannot be had, which the job will find out."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _mended(bad: Mapping[str, Problem], jobs: Sequence[_Job]) -> bool:
    """Whether a case that was bad when an array was built can be read now.

    Its file may not have changed: rights, links and network disks come and go.
    """
    return any(isinstance(read_slices(job), CaseSlices) for job in jobs if bad and job.case in bad)


def _signature(part: CaseSlices) -> bytes:
    return f"{part.case} {part.indices.tolist()}\n".encode()


def _write_header(file: BinaryIO, dtype: np.dtype[Any], rows: int, size: tuple[int, int]) -> None:
    # NumPy leaves room in the header for a longer first axis, so it can be written anew in place
    # once the rows have been counted.
    header = {
        "descr": np.lib.format.dtype_to_descr(dtype),
        "fortran_order": False,
        "shape": (rows, *size),
    }
    np.lib.format.write_array_header_1_0(file, header)


def _open(place: Path) -> SliceArray | None:
    """Open an array; None where it is not there or not whole."""
    try:
        index = json.loads((place / "index.json").read_text(encoding="utf-8"))
        values = np.load(place / "array.npy", mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError):
        return None
    indices = {
        case: np.asarray(entry["indices"], np.int64) for case, entry in index["cases"].items()
    }
    counts = [len(one) for one in indices.values()]
    first_rows = 1 + np.cumsum([0, *counts])[:-1]
    return SliceArray(
        values=values,
        indices=indices,
        first_row=dict(zip(indices, map(int, first_rows), strict=True)),
        spacings={case: tuple(entry["spacing"]) for case, entry in index["cases"].items()},
        digest=index["digest"],
        sizes={case: tuple(entry["size"]) for case, entry in index["cases"].items()},
        intensities={case: tuple(entry["intensities"]) for case, entry in index["cases"].items()},
        bad={case: Problem(**problem) for case, problem in index["bad"].items()},
        warnings=[Problem(**warning) for warning in index["warnings"]],
    )
