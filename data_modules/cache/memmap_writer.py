"""An array of the cache while it is built: the processes that read the files write to it too.

The slices of a case lie together; the cases lie in the order in which they were done.
"""

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np
import xxhash
from filelock import FileLock

from data_modules.cache.extraction import CaseSlices
from data_modules.cache.memmap import ARRAY, INDEX, stamp
from data_modules.utils.problems import Problem

Job = TypeVar("Job")

_POLL = 0.001  # seconds; a case is written in a few milliseconds


@dataclass(frozen=True)
class StoredCase:
    """What is told of the slices of one case once they lie in the array.

    Attributes:
        case: id of the case.
        row: of its first slice.
        digest: hash of its values.
        indices: index of each slice in the volume.
        spacing: of the voxels in mm, x, y, z.
        size: voxels of the volume along x, y, z.
        intensities: the lowest, the mean and the highest in the brain before normalisation.
        warnings: what looks wrong with the file.
    """

    case: str
    row: int
    digest: str
    indices: tuple[int, ...]
    spacing: tuple[float, ...]
    size: tuple[int, ...]
    intensities: tuple[float, ...]
    warnings: tuple[Problem, ...]


@dataclass(frozen=True)
class ArrayBuilding:
    """An array that several processes write at once.

    Attributes:
        folder: an empty folder.
        dtype: of the values.
        size: height and width of the slices.
    """

    folder: Path
    dtype: np.dtype[Any]
    size: tuple[int, int]

    def begin(self) -> None:
        """Write a header, and the blank row 0. Raises OSError where that is not possible."""
        self._array.write_bytes(self._header(rows=1) + bytes(self._bytes_a_row))

    def add(self, part: CaseSlices) -> StoredCase:
        """Write the slices of a case behind those that are there.

        Raises:
            OSError: they cannot be written.
        """
        values = np.ascontiguousarray(part.values, self.dtype)
        lock = FileLock(self._lock)
        with lock.acquire(poll_interval=_POLL), self._array.open("r+b") as file:
            end = file.seek(0, os.SEEK_END)
            row = (end - len(self._header(rows=1))) // self._bytes_a_row
            file.write(values.data)
        return StoredCase(
            part.case,
            row,
            xxhash.xxh3_128_hexdigest(values.data),
            tuple(part.indices.tolist()),
            part.spacing,
            part.size,
            part.intensities,
            part.warnings,
        )

    def add_read(
        self, read: Callable[[Job], CaseSlices | Problem], job: Job
    ) -> StoredCase | Problem:
        """Read the slices of a case and add them, unless its file is bad."""
        part = read(job)
        return part if isinstance(part, Problem) else self.add(part)

    def finish(self, parts: Iterable[StoredCase | Problem]) -> None:
        """Write the index of all cases, once they are done, in the order in which they come.

        Array and index are forced to the disk.

        Raises:
            OSError: they cannot be written.
        """
        digest = xxhash.xxh3_128()
        cases: dict[str, dict[str, Any]] = {}
        bad: dict[str, dict[str, Any]] = {}
        warnings: list[dict[str, Any]] = []
        for part in parts:
            if isinstance(part, Problem):
                bad[part.case] = asdict(part)
                continue
            digest.update(f"{part.case} {list(part.indices)} {part.digest}\n".encode())
            entry = asdict(part)
            warnings += entry.pop("warnings")
            cases[part.case] = entry
        self._lock.unlink(missing_ok=True)
        rows = 1 + sum(len(entry["indices"]) for entry in cases.values())
        with self._array.open("r+b") as file:
            file.write(self._header(rows))
            _force_to_disk(file)
        index = {
            "array": stamp(self._array),
            "digest": digest.hexdigest(),
            "cases": cases,
            "bad": bad,
            "warnings": warnings,
        }
        with (self.folder / INDEX).open("wb") as file:
            file.write(json.dumps(index).encode())
            _force_to_disk(file)

    @property
    def _array(self) -> Path:
        return self.folder / ARRAY

    @property
    def _lock(self) -> Path:
        return self.folder / "writing.lock"

    @property
    def _bytes_a_row(self) -> int:
        height, width = self.size
        return height * width * self.dtype.itemsize

    def _header(self, rows: int) -> bytes:
        """Of a length that does not depend on the rows: NumPy leaves room for more of them."""
        header = {
            "descr": np.lib.format.dtype_to_descr(self.dtype),
            "fortran_order": False,
            "shape": (rows, *self.size),
        }
        written = BytesIO()
        np.lib.format.write_array_header_1_0(written, header)
        return written.getvalue()


def _force_to_disk(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
