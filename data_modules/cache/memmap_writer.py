"""Building a cached array: the processes that read the files also write to it.

The slices of a case are contiguous; cases are in the order in which they were finished.
"""

import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import xxhash
from filelock import FileLock

from data_modules.cache.array_index import ARRAY, INDEX, flush_to_disk, write_index
from data_modules.cache.extraction import CaseSlices
from data_modules.utils.problems import Problem

Job = TypeVar("Job")

_POLL_SECONDS = 0.001  # a case is written in a few milliseconds


@dataclass(frozen=True)
class StoredCase:
    """The index entry of a case whose slices have been written. Its fields are keys of the index.

    Attributes:
        case: Id of the case.
        row: Row of its first slice.
        digest: Hash of its values.
        indices: Index of each slice in the volume.
        spacing: Voxel spacing in mm, x, y, z.
        size: Size of the volume in voxels, x, y, z.
        intensities: Lowest, mean and highest intensity in the brain before normalisation.
        warnings: What looks wrong with the file.
        stored: The values other than 0 in the file; labels only.
        brain: Top, bottom, left and right of the box around the brain; images only.
    """

    case: str
    row: int
    digest: str
    indices: tuple[int, ...]
    spacing: tuple[float, ...]
    size: tuple[int, ...]
    intensities: tuple[float, ...]
    warnings: tuple[Problem, ...]
    stored: tuple[int, ...]
    brain: tuple[int, ...]


@dataclass(frozen=True)
class ArrayBuilding:
    """An array that several processes write concurrently.

    Attributes:
        folder: An empty folder.
        dtype: Type of the values.
        size: Height and width of the slices.
    """

    folder: Path
    dtype: np.dtype[Any]
    size: tuple[int, int]

    def begin(self) -> None:
        """Write a header and the blank row 0.

        Raises:
            OSError: They cannot be written.
        """
        self._array.write_bytes(self._header(rows=1) + bytes(self._bytes_per_row))

    def add(self, part: CaseSlices) -> StoredCase:
        """Append the slices of a case.

        Raises:
            OSError: They cannot be written.
        """
        values = np.ascontiguousarray(part.values, self.dtype)
        lock = FileLock(self._lock)
        with lock.acquire(poll_interval=_POLL_SECONDS), self._array.open("r+b") as file:
            end = file.seek(0, os.SEEK_END)
            row = (end - len(self._header(rows=1))) // self._bytes_per_row
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
            part.stored,
            tuple(part.brain),
        )

    def add_read(
        self, read: Callable[[Job], CaseSlices | Problem], job: Job
    ) -> StoredCase | Problem:
        """Read the slices of a case, and add them unless the file is bad."""
        part = read(job)
        return part if isinstance(part, Problem) else self.add(part)

    def finish(self, parts: Iterable[StoredCase | Problem]) -> None:
        """Write the final header and the index of all cases, in the order given, and flush to disk.

        Raises:
            OSError: They cannot be written.
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
            flush_to_disk(file)
        write_index(
            self.folder / INDEX,
            {
                "array": {"dtype": self.dtype.str, "shape": [rows, *self.size]},
                "digest": digest.hexdigest(),
                "cases": cases,
                "bad": bad,
                "warnings": warnings,
            },
        )

    @property
    def _array(self) -> Path:
        return self.folder / ARRAY

    @property
    def _lock(self) -> Path:
        return self.folder / "writing.lock"

    @property
    def _bytes_per_row(self) -> int:
        height, width = self.size
        return height * width * self.dtype.itemsize

    def _header(self, rows: int) -> bytes:
        """A .npy header. Its length does not depend on the rows: NumPy pads it for more of them."""
        header = {
            "descr": np.lib.format.dtype_to_descr(self.dtype),
            "fortran_order": False,
            "shape": (rows, *self.size),
        }
        written = BytesIO()
        np.lib.format.write_array_header_1_0(written, header)
        return written.getvalue()
