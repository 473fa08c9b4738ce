"""Read, check and normalise the files of one case.

Arrays are (depth, height, width) in LPS order, as BraTS has them: slices from the neck up, the
front of the head in the first row, the patient's right in the first column.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from data_modules.brain import find_brain
from data_modules.framing import frame
from data_modules.integrity import check_header, check_voxels, check_whole, write_whole
from data_modules.problems import COPY_AGAIN, BadFileError

ORIENTATION = "LPS"
Spacing = tuple[float, ...]  # mm, x first
BRATS_SHAPE = (155, 240, 240)
LARGEST_INTENSITY = 1e30  # float32, in which we reckon, ends at 3e38
GEOMETRY_TOLERANCE = 1e-3  # of a spacing in mm and of a direction cosine; headers hold float32

sitk.ProcessObject.GlobalWarningDisplayOff()  # ITK would print to the terminal on its own


@dataclass(frozen=True)
class Grid:
    """Where the voxels of a file lie: size in voxels, spacing and origin in mm, x first."""

    size: tuple[int, ...]
    spacing: tuple[float, ...]
    origin: tuple[float, ...]
    direction: tuple[float, ...]


@dataclass(frozen=True)
class BrainVolume:
    """One modality of a case.

    Attributes:
        voxels: float32 (depth, height, width), z-scored over the brain, 0 outside it.
        brain: mask of the same shape.
        spacing: distance of the voxels in mm, x first.
        intensities: the lowest, the mean and the highest in the brain before normalisation.
    """

    voxels: NDArray[np.float32]
    brain: NDArray[np.bool_]
    spacing: Spacing
    intensities: tuple[float, float, float]


def read_grid(path: Path, channel: int | None = None) -> Grid:
    """Read a file's header alone.

    Args:
        path: the file.
        channel: which volume of a 4-D file; None for a 3-D file.

    Raises:
        BadFileError: the file cannot be read, or has other dimensions.
    """
    check_header(path)
    reader = _reader(path)
    found, expected = reader.GetDimension(), 3 if channel is None else 4
    if found != expected or reader.GetNumberOfComponents() != 1:
        values = reader.GetNumberOfComponents()
        what = f"has {found} dimensions ({_by(reader.GetSize())}) with {values} value a voxel"
        expectation = f"expected {expected} with 1"
        raise BadFileError(path, f"{what}, {expectation}", "write it as one volume a file")
    if channel is not None and channel >= reader.GetSize()[3]:
        what = f"has {reader.GetSize()[3]} volumes, expected {channel + 1} or more"
        raise BadFileError(path, what, COPY_AGAIN)
    direction = np.reshape(reader.GetDirection(), (found, found))[:3, :3].ravel().tolist()
    return Grid(
        reader.GetSize()[:3], reader.GetSpacing()[:3], reader.GetOrigin()[:3], tuple(direction)
    )


def _reader(path: Path) -> Any:  # noqa: ANN401 (SimpleITK has no types)
    """A reader that knows the header."""
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        check_voxels(path)  # knows better what is wrong
        raise _unreadable(path, error) from None
    return reader


def check_same_grid(path: Path, other: Path, channel: int | None = None) -> str | None:
    """Stop unless two files of a case share size, spacing and direction.

    ``channel`` is that of the first file, where it is 4-D.

    Origins may differ: some mirrors of BraTS wrote the segmentation's anew, and the voxels still
    lie over one another.

    Returns:
        How the origins differ, in words; None where they agree.

    Raises:
        BadFileError: naming both files and both values.
    """
    one, two = read_grid(path, channel), read_grid(other)
    if one.size != two.size:
        raise _other_grid(path, other, "size", one.size, two.size)
    if not np.allclose(one.spacing, two.spacing, atol=GEOMETRY_TOLERANCE, rtol=0):
        raise _other_grid(path, other, "spacing", one.spacing, two.spacing)
    if not np.allclose(one.direction, two.direction, atol=GEOMETRY_TOLERANCE, rtol=0):
        raise _other_grid(path, other, "direction", one.direction, two.direction)
    if np.allclose(one.origin, two.origin, atol=GEOMETRY_TOLERANCE, rtol=0):
        return None
    return f"origin {_list(one.origin)} differs from {_list(two.origin)} of {other.name}"


def swapped_axes(shape: tuple[int, ...]) -> str | None:
    """What makes a volume (depth, height, width) look as if its header hid a swap of its axes."""
    if sorted(shape) != sorted(BRATS_SHAPE) or shape == BRATS_SHAPE:
        return None
    depth, height, width = shape
    return f"holds {depth} slices of {height} x {width}, BraTS has 155 of 240 x 240"


def read_image(path: Path, channel: int | None = None) -> sitk.Image:
    """Read a volume as a SimpleITK image, brought to LPS orientation.

    Args:
        path: the file.
        channel: which volume of a 4-D file; None for a 3-D file.

    Raises:
        BadFileError: the file cannot be read, has other dimensions, or has missing, NaN or infinite
            voxels.
    """
    check_whole(path)
    grid = read_grid(path, channel)
    reader = _reader(path)
    if channel is not None:
        reader.SetExtractSize([*grid.size, 0])
        reader.SetExtractIndex([0, 0, 0, channel])
    try:
        return sitk.DICOMOrient(reader.Execute(), ORIENTATION)
    except RuntimeError as error:
        raise _unreadable(path, error) from None


def read_modality(path: Path, channel: int | None = None) -> BrainVolume:
    """Read one modality, z-scored over the brain; of a 4-D file the volume ``channel``.

    Raises:
        BadFileError: a bad file, a constant image, or intensities that float32 cannot hold.
    """
    image = read_image(path, channel)
    voxels = _as_float32(sitk.GetArrayFromImage(image), path)
    brain = find_brain(voxels)
    inside = voxels[brain].astype(np.float64)
    if inside.size == 0 or (deviation := np.float32(inside.std())) == 0:
        where, value = ("", voxels.flat[0]) if inside.size == 0 else (" of the brain", inside[0])
        raise BadFileError(
            path,
            f"the image is constant: all voxels{where} are {value:g}",
            COPY_AGAIN,
        )
    mean = float(inside.mean())
    normalised = (voxels - np.float32(mean)) / deviation
    normalised[~brain] = 0
    intensities = (float(inside.min()), mean, float(inside.max()))
    return BrainVolume(normalised, brain, image.GetSpacing(), intensities)


def read_labels(path: Path, labels: Mapping[int, int]) -> tuple[NDArray[np.uint8], Spacing]:
    """Read a segmentation as BraTS 2023's labels.

    Args:
        path: the file.
        labels: each value that the release knows, and the label that it becomes.

    Returns:
        Labels (depth, height, width) in 0..3, and the spacing.

    Raises:
        BadFileError: unreadable, or a value that the release does not know, with its count.
    """
    image = read_image(path)
    source = sitk.GetArrayFromImage(image)
    values, counts = np.unique(source, return_counts=True)
    unknown = [(v, c) for v, c in zip(values, counts, strict=True) if float(v) not in labels]
    if unknown:
        raise _unknown_labels(path, unknown, labels)
    translated = np.zeros(source.shape, np.uint8)
    for value in values:
        translated[source == value] = labels[int(value)]
    return translated, image.GetSpacing()


def write_label_map(
    path: Path, labels: NDArray[np.uint8], like: Path, channel: int | None = None
) -> NDArray[np.uint8]:
    """Write labels on the grid of another file: its size, spacing, origin and direction.

    Args:
        path: the file to write; its ending decides whether it is compressed.
        labels: (depth, height, width), in LPS order as ``read_image`` gives it, padded or cropped
            to any height and width.
        like: the file whose grid it is.
        channel: which volume of it, where it is 4-D.

    Returns:
        The labels that were written (depth, height, width), in LPS order.

    Raises:
        OSError: they cannot be written.
    """
    reference = read_image(like, channel)
    labels = frame(labels, (reference.GetHeight(), reference.GetWidth()))
    image = sitk.GetImageFromArray(labels)
    image.CopyInformation(reference)
    grid = read_grid(like, channel)
    own = sitk.DICOMOrientImageFilter.GetOrientationFromDirectionCosines(grid.direction)
    image = sitk.DICOMOrient(image, own)
    # Turning there and back rounds.
    image.SetOrigin(grid.origin)
    image.SetSpacing(grid.spacing)
    image.SetDirection(grid.direction)
    write_whole(image, path)
    return labels


def _as_float32(voxels: NDArray[Any], path: Path) -> NDArray[np.float32]:
    largest = max(-float(voxels.min()), float(voxels.max()))
    if not largest <= LARGEST_INTENSITY:  # NaN, where a header scales whole numbers to it
        raise BadFileError(
            path,
            f"intensities reach {largest:g}, expected at most {LARGEST_INTENSITY:g}",
            "scale them down",
        )
    return voxels.astype(np.float32, copy=False)


def _unknown_labels(
    path: Path, unknown: list[tuple[float, int]], labels: Mapping[int, int]
) -> BadFileError:
    found = ", ".join(f"{value:g} ({count} voxels)" for value, count in unknown[:5])
    known = ", ".join(map(str, sorted(labels)))
    is_whole = all(float(value).is_integer() for value, _ in unknown)
    return BadFileError(
        path,
        f"label {found} is unknown to its release, expected {known}",
        "see --data.release" if is_whole else "resample labels by nearest neighbour",
    )


def _other_grid(
    path: Path, other: Path, what: str, one: tuple[Any, ...], two: tuple[Any, ...]
) -> BadFileError:
    words = _list if what == "direction" else _by
    return BadFileError(
        path,
        f"{what} {words(one)} differs from {words(two)} of {other.name}",
        "bring both to one grid",
    )


def _by(values: Iterable[float]) -> str:
    return " x ".join(f"{value:g}" for value in values)


def _list(values: Iterable[float]) -> str:
    return ", ".join(f"{value + 0:.4g}" for value in values)  # + 0: no minus before a 0


def _unreadable(path: Path, error: RuntimeError) -> BadFileError:
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
