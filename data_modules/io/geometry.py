"""Where the voxels of a file lie, as ITK reads its header."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from data_modules.io.header_checks import check_file, is_nifti, read_header
from data_modules.io.nifti import check_whole
from data_modules.utils.problems import COPY_AGAIN, BadFileError, by

ORIENTATION = "LPS"
_PAIRS = ("LR", "PA", "SI")
GEOMETRY_TOLERANCE = 1e-3  # of a spacing in mm and of a direction cosine; headers hold float32

sitk.ProcessObject.GlobalWarningDisplayOff()  # ITK would print to the terminal on its own


@dataclass(frozen=True)
class Grid:
    """Where the voxels of a file lie: size in voxels, spacing and origin in mm, x first."""

    size: tuple[int, ...]
    spacing: tuple[float, ...]
    origin: tuple[float, ...]
    direction: tuple[float, ...]

    def to_lps(self, voxels: NDArray[Any]) -> NDArray[Any]:
        """A view of voxels (z, y, x) of this grid as (depth, height, width) in LPS order."""
        order, backwards = self._layout()
        return np.flip(voxels.transpose(order), backwards)

    def from_lps(self, voxels: NDArray[Any]) -> NDArray[Any]:
        """The inverse of ``to_lps``."""
        order, backwards = self._layout()
        return np.flip(voxels, backwards).transpose(np.argsort(order))

    @property
    def lps_spacing(self) -> tuple[float, ...]:
        """Distance of the voxels in LPS order in mm, x first."""
        order, _ = self._layout()
        return tuple(self.spacing[2 - axis] for axis in order[::-1])

    def _layout(self) -> tuple[list[int], tuple[int, ...]]:
        """For each axis (depth, height, width) that of the array; and those that run backwards."""
        name = sitk.DICOMOrientImageFilter.GetOrientationFromDirectionCosines(self.direction)
        # Of each axis of the file, x first, along which of the patient's it runs: left, back, up.
        along = [place for letter in name for place, pair in enumerate(_PAIRS) if letter in pair]
        order = [2 - along.index(place) for place in (2, 1, 0)]
        steps = zip(along, name, strict=True)
        return order, tuple(2 - place for place, letter in steps if letter not in ORIENTATION)


def reader_of(path: Path) -> Any:
    """A reader that knows the header.

    Raises:
        BadFileError: the file cannot be read.
    """
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        check_whole(path)  # knows better what is wrong
        raise unreadable(path, error) from None
    return reader


def read_grid(path: Path, channel: int | None = None) -> Grid:
    """Read a file's header alone.

    Args:
        path: the file.
        channel: which volume of a 4-D file; None for a 3-D file.

    Raises:
        BadFileError: the file cannot be read, or has other dimensions.
    """
    if is_nifti(path):
        read_header(path)
    else:
        check_file(path)
    return grid_of(path, reader_of(path), channel)


def grid_of(path: Path, reader: Any, channel: int | None) -> Grid:
    """The grid that a reader knows. Arguments and errors as of ``read_grid``."""
    found, expected = reader.GetDimension(), 3 if channel is None else 4
    if found != expected or reader.GetNumberOfComponents() != 1:
        values = reader.GetNumberOfComponents()
        what = f"has {found} dimensions ({by(reader.GetSize())}) with {values} value a voxel"
        expectation = f"expected {expected} with 1"
        raise BadFileError(path, f"{what}, {expectation}", "write it as one volume a file")
    if channel is not None and channel >= reader.GetSize()[3]:
        what = f"has {reader.GetSize()[3]} volumes, expected {channel + 1} or more"
        raise BadFileError(path, what, COPY_AGAIN)
    direction = np.reshape(reader.GetDirection(), (found, found))[:3, :3].ravel().tolist()
    return Grid(
        reader.GetSize()[:3], reader.GetSpacing()[:3], reader.GetOrigin()[:3], tuple(direction)
    )


def check_same_grid(path: Path, one: Grid, other: Path) -> str | None:
    """Stop unless two files of a case share size, spacing and direction.

    Origins may differ: some mirrors of BraTS wrote the segmentation's anew, and the voxels still
    lie over one another.

    Args:
        path: the first file.
        one: its grid.
        other: the second file, 3-D.

    Returns:
        How the origins differ, in words; None where they agree.

    Raises:
        BadFileError: naming both files and both values.
    """
    two = read_grid(other)
    if one.size != two.size:
        raise _other_grid(path, other, "size", by(one.size), by(two.size))
    if not _close(one.spacing, two.spacing):
        raise _other_grid(path, other, "spacing", by(one.spacing), by(two.spacing))
    if not _close(one.direction, two.direction):
        raise _other_grid(path, other, "direction", _list(one.direction), _list(two.direction))
    if _close(one.origin, two.origin):
        return None
    return f"origin {_list(one.origin)} differs from {_list(two.origin)} of {other.name}"


def _close(one: tuple[float, ...], two: tuple[float, ...]) -> bool:
    return bool(np.allclose(one, two, atol=GEOMETRY_TOLERANCE, rtol=0))


def _other_grid(path: Path, other: Path, what: str, one: str, two: str) -> BadFileError:
    return BadFileError(
        path, f"{what} {one} differs from {two} of {other.name}", "bring both to one grid"
    )


def _list(values: Iterable[float]) -> str:
    return ", ".join(f"{value + 0:.4g}" for value in values)  # + 0: no minus before a 0


def unreadable(path: Path, error: RuntimeError) -> BadFileError:
    """What ITK says of a file, as an error of ours."""
    reason = _reason(error)
    if "orthonormal" in reason:
        return BadFileError(
            path,
            "the axes in its header do not stand at right angles",
            "write the header of another file of the case into it",
        )
    return BadFileError(path, f"cannot be read as an image ({reason})", COPY_AGAIN)


def _reason(error: RuntimeError) -> str:
    """The last line of an ITK error, which says what went wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].removeprefix("Reason:").strip() if lines else "unknown reason"
