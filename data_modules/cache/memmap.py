"""A cached array: checked when it is opened, a memory map afterwards.

``array.npy`` holds the slices. ``index.json`` says which case each belongs to, and has checksums of
the slices and of itself. Row 0 is blank. It stands for the slices that an array omits because they
are empty (no brain in an image, no label in a segmentation).
"""

import os
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray

from data_modules.cache.array_index import ARRAY, INDEX, read_index
from data_modules.cache.array_use import lock_shared, note_opened
from data_modules.utils.errors import DataError
from data_modules.utils.problems import Problem


class MappedFile:
    """A memory-mapped .npy file that notices when it is overwritten or truncated.

    It watches the mapped file itself, not whatever has its name by now: a deleted or replaced file
    stays intact for as long as it is mapped.

    Args:
        path: The file.

    Attributes:
        path: The file.
        values: The read-only memory map.
        stamp: Size in bytes and modification time in ns.

    Raises:
        OSError: The file cannot be opened.
        ValueError: It is not a plain .npy file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        weakref.finalize(self, os.close, self._descriptor)
        lock_shared(self._descriptor)
        self.stamp = _stamp(self._descriptor)
        with os.fdopen(os.dup(self._descriptor), "rb") as file:
            np.lib.format.read_magic(file)
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
            if dtype.hasobject:
                raise ValueError(f"{path} holds Python objects")
            self.values: NDArray[Any] = np.memmap(file, dtype, "r", file.tell(), shape)

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Copy some rows.

        Reading a map beyond the end of its file kills the process, so the file is checked first.

        Raises:
            DataError: The file has changed since it was opened.
        """
        try:
            changed = _stamp(self._descriptor) != self.stamp
        except OSError:  # deleted, on a network disk
            changed = True
        if changed:
            raise DataError(
                f"'{self.path}' was changed while it was in use: run the command again, or resume "
                "with python main.py fit --resume; either rebuilds it"
            )
        return np.asarray(self.values.take(rows, axis=0))

    def __reduce__(self) -> tuple[type["MappedFile"], tuple[Path]]:
        """Pickle the path alone: a loader worker maps the file itself."""
        return MappedFile, (self.path,)


@dataclass(frozen=True)
class SliceArray:
    """An opened array of the cache.

    Attributes:
        file: (1 + slices, height, width); row 0 is blank.
        indices: Indices of the slices of each case, ascending.
        first_row: Row of the first slice of each case.
        spacings: Voxel spacing of each case in mm, x, y, z.
        digest: Hash of the values, the same on every machine that reads the same files.
        sizes: Size of the volume of each case in voxels, x, y, z.
        intensities: Lowest, mean and highest intensity in the brain of each case before
            normalisation; images only.
        digests: Hash of the slices of each case.
        stored: The values other than 0 in the file of each case; labels only, and empty in caches
            of earlier versions.
        brains: Top, bottom, left and right of the box around the brain of each case, in its whole
            volume; images only, and empty in caches of earlier versions.
        bad: Cases whose file cannot be used, and why; they appear in none of the above.
        warnings: What looks wrong with files that are used.
    """

    file: MappedFile
    indices: Mapping[str, NDArray[np.int64]]
    first_row: Mapping[str, int]
    spacings: Mapping[str, tuple[float, float, float]]
    digest: str
    sizes: Mapping[str, tuple[int, int, int]]
    intensities: Mapping[str, tuple[float, float, float]]
    digests: Mapping[str, str]
    stored: Mapping[str, tuple[int, ...]]
    brains: Mapping[str, tuple[int, ...]]
    bad: Mapping[str, Problem]
    warnings: Sequence[Problem]

    @property
    def name(self) -> str:
        """The name of its folder in the cache."""
        return self.file.path.parent.name

    @property
    def lacks_brains(self) -> bool:
        """Whether it holds images of an earlier version, which kept no boxes around the brains."""
        return any(self.intensities[case] and not self.brains[case] for case in self.indices)

    @property
    def values(self) -> NDArray[Any]:
        """The memory map (1 + slices, height, width), unchecked: see ``MappedFile``."""
        return self.file.values

    def rows(self, case: str, wanted: NDArray[np.int64]) -> NDArray[np.int64]:
        """The rows of some slices of a case; the blank row 0 for slices that the array omits."""
        stored = self.indices[case]
        position = np.searchsorted(stored, wanted)
        is_stored = position < len(stored)
        is_stored[is_stored] = stored[position[is_stored]] == wanted[is_stored]
        return np.where(is_stored, self.first_row[case] + position, 0)

    def spacing_range(self, cases: Sequence[str]) -> dict[str, tuple[float, float]]:
        """Smallest and largest spacing of some cases in mm, by axis; empty without cases."""
        if not cases:
            return {}
        spacings = np.array([self.spacings[case] for case in cases])
        ends = zip(spacings.min(axis=0).tolist(), spacings.max(axis=0).tolist(), strict=True)
        return dict(zip("xyz", ends, strict=True))


def open_array(folder: Path) -> SliceArray | None:
    """Open an array; None if it is missing, or not as it was written.

    Reads all of it for the checksums, at several gigabytes a second if it is in memory.
    """
    try:
        index = read_index(folder / INDEX)
        array = _opened(index, MappedFile(folder / ARRAY))
        intact = _rows_add_up(array) and _are_as_written(array, index)
    except Exception:  # noqa: BLE001 (it may hold anything; then it is rebuilt)
        return None
    if not intact:
        return None
    note_opened(folder)
    return array


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
        digests={case: str(entry["digest"]) for case, entry in index["cases"].items()},
        stored={case: tuple(entry.get("stored", ())) for case, entry in index["cases"].items()},
        brains={case: tuple(entry.get("brain", ())) for case, entry in index["cases"].items()},
        bad={case: Problem(**problem) for case, problem in index["bad"].items()},
        warnings=[Problem(**warning) for warning in index["warnings"]],
    )


def _rows_add_up(array: SliceArray) -> bool:
    """Whether the cases cover every row but the blank one exactly once."""
    expected = 1
    for row, count in sorted((array.first_row[c], len(i)) for c, i in array.indices.items()):
        if row != expected:
            return False
        expected += count
    return expected == len(array.values)


def _are_as_written(array: SliceArray, index: dict[str, Any]) -> bool:
    """Whether the values are those whose checksums are in the index, and row 0 is blank."""
    values = array.values
    if index["array"] != {"dtype": values.dtype.str, "shape": list(values.shape)}:
        return False
    for case, indices in array.indices.items():
        first = array.first_row[case]
        rows = values[first : first + len(indices)]
        if xxhash.xxh3_128_hexdigest(rows.data) != array.digests[case]:
            return False
    return not values[0].any()


def _three(values: Any, kind: type) -> tuple[Any, Any, Any]:
    x, y, z = map(kind, values)
    return x, y, z


def _stamp(descriptor: int) -> tuple[int, int]:
    """Size in bytes and modification time in ns of an open file."""
    status = os.fstat(descriptor)
    return status.st_size, status.st_mtime_ns
