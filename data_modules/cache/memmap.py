"""An array of the cache on disk: opened, and watched while it is mapped.

``array.npy`` holds the slices, ``index.json`` says whose they are and which size and time the array
had when it was finished. Row 0 is blank: it stands for the slices that an array leaves out because
nothing is in them (no brain in an image, no label in a segmentation).
"""

import json
import os
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_modules.utils.errors import DataError
from data_modules.utils.problems import Problem

ARRAY, INDEX = "array.npy", "index.json"


class MappedFile:
    """A .npy file, mapped into memory, that notices when it is written to or cut short.

    What is compared is the file that is mapped, not whichever has its name by now: one that was
    deleted or replaced lives on unharmed for as long as it is mapped.

    Args:
        path: the file. Raises OSError or ValueError where it is none.

    Attributes:
        values: the read-only memory map.
        stamp: size in bytes and time of the last change in ns.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        weakref.finalize(self, os.close, self._descriptor)
        self.stamp = stamp(self._descriptor)
        with os.fdopen(os.dup(self._descriptor), "rb") as file:
            np.lib.format.read_magic(file)
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
            if dtype.hasobject:
                raise ValueError(f"{path} holds Python objects")
            self.values: NDArray[Any] = np.memmap(file, dtype, "r", file.tell(), shape)

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """A copy of some rows.

        To read a map beyond the end of its file kills the process, so the file is looked at first.

        Raises:
            DataError: the file has changed since it was opened.
        """
        try:
            changed = stamp(self._descriptor) != self.stamp
        except OSError:  # deleted, on a network disk
            changed = True
        if changed:
            raise DataError(
                f"'{self._path}' was changed while it was in use: run the command again, or go on "
                "with python main.py fit --resume; either rebuilds it"
            )
        return np.asarray(self.values.take(rows, axis=0))

    def __reduce__(self) -> tuple[type["MappedFile"], tuple[Path]]:
        """A process that loads batches maps the file itself."""
        return MappedFile, (self._path,)


@dataclass(frozen=True)
class SliceArray:
    """An array of the cache, opened.

    Attributes:
        file: (1 + slices, height, width); row 0 is blank.
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

    file: MappedFile
    indices: Mapping[str, NDArray[np.int64]]
    first_row: Mapping[str, int]
    spacings: Mapping[str, tuple[float, float, float]]
    digest: str
    sizes: Mapping[str, tuple[int, int, int]]
    intensities: Mapping[str, tuple[float, float, float]]
    bad: Mapping[str, Problem]
    warnings: Sequence[Problem]

    @property
    def values(self) -> NDArray[Any]:
        """The memory map (1 + slices, height, width), which may have changed: see ``file``."""
        return self.file.values

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


def open_array(folder: Path) -> SliceArray | None:
    """Open an array; None where it is not there, or not as it was written.

    A copy of a cache must keep the times of its files (``cp -p``), or it is built anew.
    """
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        if tuple(index["array"]) != stamp(folder / ARRAY):
            return None
        array = _opened(index, MappedFile(folder / ARRAY))
        return array if array.values.ndim == 3 and _rows_add_up(array) else None
    except Exception:  # noqa: BLE001 (it may hold anything; then it is built anew)
        return None


def _opened(index: Any, file: MappedFile) -> SliceArray:
    indices = {
        case: np.asarray(entry["indices"], np.int64).reshape(-1)
        for case, entry in index["cases"].items()
    }
    return SliceArray(
        file=file,
        indices=indices,
        first_row={case: int(entry["row"]) for case, entry in index["cases"].items()},
        spacings={case: _three(entry["spacing"], float) for case, entry in index["cases"].items()},
        digest=str(index["digest"]),
        sizes={case: _three(entry["size"], int) for case, entry in index["cases"].items()},
        intensities={case: tuple(entry["intensities"]) for case, entry in index["cases"].items()},
        bad={case: Problem(**problem) for case, problem in index["bad"].items()},
        warnings=[Problem(**warning) for warning in index["warnings"]],
    )


def _rows_add_up(array: SliceArray) -> bool:
    """Whether the cases take up all rows but the blank one, each of them once."""
    expected = 1
    for row, count in sorted((array.first_row[c], len(i)) for c, i in array.indices.items()):
        if row != expected:
            return False
        expected += count
    return expected == len(array.values)


def _three(values: Any, kind: type) -> tuple[Any, Any, Any]:
    x, y, z = map(kind, values)
    return x, y, z


def stamp(file: Path | int) -> tuple[int, int]:
    """Size in bytes and time of the last change in ns of a path or an open descriptor."""
    status = os.stat(file)  # noqa: PTH116 (a Path knows nothing of descriptors)
    return status.st_size, status.st_mtime_ns
