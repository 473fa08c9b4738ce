"""The voxel grid of a file, as ITK reads it from the header."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from data_modules.io.header_checks import (
    check_meta_image,
    check_number_of_voxels,
    is_nifti,
    read_header,
)
from data_modules.io.nifti import check_complete
from data_modules.io.orientation import SET_BOTH_FORMS, unclear_orientation
from data_modules.utils.problems import COPY_AGAIN, BadFileError, by
from data_modules.utils.words import counted

ORIENTATION = "LPS"
_PAIRS = ("LR", "PA", "SI")
GEOMETRY_TOLERANCE = 1e-3  # of spacings in mm and of direction cosines; headers hold float32
_RESAMPLE = "resample one to the grid of the other"

sitk.ProcessObject.GlobalWarningDisplayOff()  # ITK would print to the terminal


@dataclass(frozen=True)
class Grid:
    """The voxel grid of a file: size in voxels, spacing and origin in mm, x first."""

    size: tuple[int, ...]
    spacing: tuple[float, ...]
    origin: tuple[float, ...]
    direction: tuple[float, ...]

    @classmethod
    def of_array(cls, voxels: NDArray[Any]) -> "Grid":
        """A grid of 1 mm for voxels (depth, height, width) in LPS order."""
        return cls(voxels.shape[::-1], (1.0,) * 3, (0.0,) * 3, (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))

    def to_lps(self, voxels: NDArray[Any]) -> NDArray[Any]:
        """View voxels (z, y, x) of this grid as (depth, height, width) in LPS order."""
        order, backwards = self._layout()
        return np.flip(voxels.transpose(order), backwards)

    def from_lps(self, voxels: NDArray[Any]) -> NDArray[Any]:
        """The inverse of ``to_lps``."""
        order, backwards = self._layout()
        return np.flip(voxels, backwards).transpose(np.argsort(order))

    @property
    def axes(self) -> str:
        """Where each axis points, x first, such as LPS: to the left, to the back, up."""
        name: str = sitk.DICOMOrientImageFilter.GetOrientationFromDirectionCosines(self.direction)
        return name

    @property
    def affine(self) -> NDArray[np.float64]:
        """From voxel indices, x first, to mm to the right, to the front and up, as in NIfTI."""
        affine = np.eye(4)
        affine[:3, :3] = np.reshape(self.direction, (3, 3)) * self.spacing
        affine[:3, 3] = self.origin
        return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine

    @property
    def lps_spacing(self) -> tuple[float, ...]:
        """Voxel spacing in LPS order in mm, x first."""
        order, _ = self._layout()
        return tuple(self.spacing[2 - axis] for axis in order[::-1])

    def _layout(self) -> tuple[list[int], tuple[int, ...]]:
        """The array axis of each of depth, height and width; and the axes that run backwards."""
        name = self.axes
        # The patient's axis (left, back, up) of each file axis, x first.
        axes = [axis for letter in name for axis, pair in enumerate(_PAIRS) if letter in pair]
        order = [2 - axes.index(axis) for axis in (2, 1, 0)]
        letters = zip(axes, name, strict=True)
        return order, tuple(2 - axis for axis, letter in letters if letter not in ORIENTATION)


def reader_of(path: Path) -> Any:
    """An ITK reader that has read the header.

    Raises:
        BadFileError: The file cannot be read, or declares too many voxels.
    """
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        check_complete(path)  # has the better message
        raise unreadable(path, error) from None
    check_number_of_voxels(path, reader.GetSize())
    return reader


def read_grid(path: Path, channel: int | None = None) -> Grid:
    """Read the grid of a file from its header.

    Args:
        path: The file.
        channel: Which volume of a 4-D file; None for a 3-D file.

    Raises:
        BadFileError: The file cannot be read, or has other dimensions.
    """
    if is_nifti(path):
        read_header(path)
    else:
        check_meta_image(path)
    return grid_of(path, reader_of(path), channel)


def grid_of(path: Path, reader: Any, channel: int | None) -> Grid:
    """The grid of a reader that has read the header. See ``read_grid``."""
    dimensions, expected = reader.GetDimension(), 3 if channel is None else 4
    if dimensions != expected or reader.GetNumberOfComponents() != 1:
        values = counted(reader.GetNumberOfComponents(), "value")
        what = f"has {dimensions} dimensions ({by(reader.GetSize())}) with {values} per voxel"
        expectation = f"expected {expected} with 1"
        raise BadFileError(path, f"{what}, {expectation}", "write one volume per file")
    if channel is not None and channel >= reader.GetSize()[3]:
        what = f"has {counted(reader.GetSize()[3], 'volume')}, expected {channel + 1} or more"
        raise BadFileError(path, what, COPY_AGAIN)
    direction = np.reshape(reader.GetDirection(), (dimensions, dimensions))[:3, :3].ravel().tolist()
    return Grid(
        reader.GetSize()[:3], reader.GetSpacing()[:3], reader.GetOrigin()[:3], tuple(direction)
    )


def check_same_grid(path: Path, grid: Grid, other: Path, called: str = "") -> str | None:
    """Check that two files of a case share size, spacing and direction.

    Origins may differ: some mirrors of BraTS rewrote the origin of the segmentation, and its voxels
    still match those of the images.

    Args:
        path: The first file.
        grid: Its grid.
        other: The second file, 3-D.
        called: The second file in messages; by default its name.

    Returns:
        How the origins differ, as text; None if they agree.

    Raises:
        BadFileError: The grids differ; it names both files and both values.
    """
    expected, called = read_grid(other), called or other.name
    if grid.size != expected.size:
        raise _other_grid(path, called, "size", by(grid.size), by(expected.size), _RESAMPLE)
    if not _close(grid.spacing, expected.spacing):
        raise _other_grid(
            path, called, "spacing", by(grid.spacing), by(expected.spacing), _RESAMPLE
        )
    if not _close(grid.direction, expected.direction):
        directions = _list(grid.direction), _list(expected.direction)
        remedy = _orient(path, grid) or _orient(other, expected) or _RESAMPLE
        raise _other_grid(path, called, "direction", *directions, remedy)
    if _close(grid.origin, expected.origin):
        return None
    return f"origin {_list(grid.origin)} differs from {_list(expected.origin)} of {called}"


def _orient(path: Path, grid: Grid) -> str | None:
    """What to do about a direction that may be wrong; None if the header is clear about it."""
    unclear = unclear_orientation(path, grid.axes)
    return unclear and f"{path.name}: {unclear}; {SET_BOTH_FORMS}"


def _close(one: tuple[float, ...], two: tuple[float, ...]) -> bool:
    return bool(np.allclose(one, two, atol=GEOMETRY_TOLERANCE, rtol=0))


def _other_grid(
    path: Path, called: str, what: str, one: str, two: str, remedy: str
) -> BadFileError:
    return BadFileError(path, f"{what} {one} differs from {two} of {called}", remedy)


def _list(values: Iterable[float]) -> str:
    return ", ".join(f"{value + 0:.4g}" for value in values)  # + 0: no minus before a 0


def unreadable(path: Path, error: RuntimeError) -> BadFileError:
    """An error of ITK as a BadFileError."""
    reason = _reason(error)
    if "orthonormal" in reason:
        return BadFileError(
            path,
            "the axes in its header are not orthogonal",
            "copy the header of another file of the case",
        )
    return BadFileError(path, f"cannot be read as an image ({reason})", COPY_AGAIN)


def _reason(error: RuntimeError) -> str:
    """The last line of an ITK error, which has the cause."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].removeprefix("Reason:").strip() if lines else "unknown reason"
