"""Read, check and normalise the files of one case.

Arrays are (depth, height, width) in LPS order, as BraTS has them: slices from the neck up, the
front of the head in the first row, the patient's right in the first column.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from data_modules.errors import DataError
from data_modules.framing import frame
from data_modules.integrity import check_whole, write_whole

ORIENTATION = "LPS"
Spacing = tuple[float, ...]  # mm, x first
GEOMETRY_TOLERANCE = 1e-3  # of a spacing in mm and of a direction cosine; headers hold float32
# Skull-stripped files hold one constant outside the brain and few dim voxels inside it (0 to 9 % of
# the rest lie under Li's threshold in the BraTS files looked at); where the background is noise,
# 40 % and more do.
LARGEST_DIM_SHARE = 0.25
# Noise has a floor. Where more of the rest than this lies well below the background's value, that
# value was put there, as in files that were z-scored before and filled up with 0.
LARGEST_SHARE_BELOW_NOISE = 0.05
WELL_BELOW = 0.05  # of the way from the background's value to the brightest voxels


@dataclass(frozen=True)
class Grid:
    """Where the voxels of a file lie: size in voxels, spacing and origin in mm, x first."""

    size: tuple[int, ...]
    spacing: tuple[float, ...]
    origin: tuple[float, ...]
    direction: tuple[float, ...]


def read_grid(path: Path) -> Grid:
    """Read a file's header alone.

    Raises:
        DataError: the file cannot be read, or is not 3-D.
    """
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise DataError(f"{path}: cannot be read as an image ({_reason(error)})") from None
    if reader.GetDimension() != 3:
        size = " x ".join(map(str, reader.GetSize()))
        raise DataError(f"{path}: has {reader.GetDimension()} dimensions ({size}), expected 3")
    if reader.GetNumberOfComponents() != 1:
        raise DataError(f"{path}: has {reader.GetNumberOfComponents()} values a voxel, expected 1")
    return Grid(reader.GetSize(), reader.GetSpacing(), reader.GetOrigin(), reader.GetDirection())


def check_same_grid(path: Path, other: Path) -> None:
    """Stop unless two files of a case share size, spacing and direction.

    Origins may differ: some mirrors of BraTS wrote the segmentation's anew, and the voxels still
    lie over one another.

    Raises:
        DataError: naming both files and both values.
    """
    one, two = read_grid(path), read_grid(other)
    if one.size != two.size:
        _differ(path, other, "size", one.size, two.size)
    if not np.allclose(one.spacing, two.spacing, atol=GEOMETRY_TOLERANCE, rtol=0):
        _differ(path, other, "spacing", one.spacing, two.spacing)
    if not np.allclose(one.direction, two.direction, atol=GEOMETRY_TOLERANCE, rtol=0):
        _differ(path, other, "direction", one.direction, two.direction)


def read_image(path: Path) -> sitk.Image:
    """Read a 3-D file as a SimpleITK image, brought to LPS orientation.

    Raises:
        DataError: the file cannot be read, is not 3-D, or has missing, NaN or infinite voxels.
    """
    read_grid(path)
    check_whole(path)
    try:
        return sitk.DICOMOrient(sitk.ReadImage(str(path)), ORIENTATION)
    except RuntimeError as error:
        raise DataError(f"{path}: cannot be read as an image ({_reason(error)})") from None


def read_modality(path: Path) -> tuple[NDArray[np.float32], NDArray[np.bool_], Spacing]:
    """Read one modality, z-scored over the brain, 0 outside it.

    Returns:
        Intensities (depth, height, width), the brain mask of the same shape, and the spacing.

    Raises:
        DataError: a bad file, or a constant image.
    """
    image = read_image(path)
    voxels = sitk.GetArrayFromImage(image).astype(np.float32, copy=False)
    brain = find_brain(voxels)
    inside = voxels[brain].astype(np.float64)
    if inside.size == 0 or (deviation := float(inside.std())) == 0:
        raise DataError(f"{path}: the image is constant, there is no brain in it")
    normalised = (voxels - np.float32(inside.mean())) / np.float32(deviation)
    normalised[~brain] = 0
    return normalised, brain, image.GetSpacing()


def find_brain(voxels: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Tell the brain (or the head, where the skull was left) from the background.

    The background's value is the commonest one on the sides of the slices. Skull-stripped files
    hold exactly that value outside the brain, be it 0 or negative: the rest is brain. Otherwise the
    background is noise, which shows in many dim voxels: Li's minimum cross-entropy threshold parts
    it from the head (Li and Lee 1993), whose dark holes are filled slice by slice.

    Args:
        voxels: (depth, height, width), finite.

    Returns:
        Mask of the same shape, empty for a constant image.
    """
    sides = np.concatenate([voxels[:, [0, -1], :].ravel(), voxels[:, :, [0, -1]].ravel()])
    values, counts = np.unique(sides, return_counts=True)
    background = float(values[counts.argmax()])
    differing: NDArray[np.bool_] = voxels != background
    if not differing.any():
        return differing
    bright: NDArray[np.bool_] = voxels > _li_threshold(voxels)
    dim = np.count_nonzero(differing & ~bright) / np.count_nonzero(differing)
    if dim <= LARGEST_DIM_SHARE or _is_within(background, voxels[differing]):
        return differing
    for one in bright:
        ndimage.binary_fill_holes(one, output=one)
    return bright


def read_labels(path: Path, labels: Mapping[int, int]) -> tuple[NDArray[np.uint8], Spacing]:
    """Read a segmentation as BraTS 2023's labels.

    Args:
        path: the file.
        labels: each value that the release knows, and the label that it becomes.

    Returns:
        Labels (depth, height, width) in 0..3, and the spacing.

    Raises:
        DataError: unreadable, or a value that the release does not know, with its count.
    """
    image = read_image(path)
    source = sitk.GetArrayFromImage(image)
    values, counts = np.unique(source, return_counts=True)
    unknown = [(v, c) for v, c in zip(values, counts, strict=True) if float(v) not in labels]
    if unknown:
        found = ", ".join(f"{value:g} ({count} voxels)" for value, count in unknown[:5])
        known = ", ".join(map(str, sorted(labels)))
        raise DataError(
            f"{path}: label {found} is unknown to its release, expected {known}; see --data.release"
        )
    translated = np.zeros(source.shape, np.uint8)
    for value in values:
        translated[source == value] = labels[int(value)]
    return translated, image.GetSpacing()


def write_label_map(path: Path, labels: NDArray[np.uint8], like: Path) -> NDArray[np.uint8]:
    """Write labels on the grid of another file: its size, spacing, origin and direction.

    Args:
        path: the file to write; its ending decides whether it is compressed.
        labels: (depth, height, width), in LPS order as ``read_image`` gives it, padded or cropped
            to any height and width.
        like: the file whose grid it is.

    Returns:
        The labels that were written (depth, height, width), in LPS order.

    Raises:
        OSError: they cannot be written.
    """
    reference = read_image(like)
    labels = frame(labels, (reference.GetHeight(), reference.GetWidth()))
    image = sitk.GetImageFromArray(labels)
    image.CopyInformation(reference)
    grid = read_grid(like)
    own = sitk.DICOMOrientImageFilter.GetOrientationFromDirectionCosines(grid.direction)
    image = sitk.DICOMOrient(image, own)
    # Turning there and back rounds.
    image.SetOrigin(grid.origin)
    image.SetSpacing(grid.spacing)
    image.SetDirection(grid.direction)
    write_whole(image, path)
    return labels


def _is_within(background: float, rest: NDArray[np.float32]) -> bool:
    """Whether the background's value lies among those of the rest, not at their floor."""
    margin = WELL_BELOW * (float(np.percentile(rest, 99)) - background)
    below = np.count_nonzero(rest < background - margin)
    return bool(below > LARGEST_SHARE_BELOW_NOISE * rest.size)


def _li_threshold(voxels: NDArray[np.float32]) -> float:
    # Every second voxel of a slice: a histogram needs no more, and full volumes take four times as
    # long.
    thresholder = sitk.LiThresholdImageFilter()
    thresholder.Execute(sitk.GetImageFromArray(np.ascontiguousarray(voxels[:, ::2, ::2])))
    return float(thresholder.GetThreshold())


def _differ(path: Path, other: Path, what: str, one: tuple[Any, ...], two: tuple[Any, ...]) -> None:
    def words(values: tuple[Any, ...]) -> str:
        return " x ".join(f"{value:g}" for value in values)

    raise DataError(f"{path}: {what} {words(one)} differs from {words(two)} of {other.name}")


def _reason(error: RuntimeError) -> str:
    """The last line of an ITK error, which says what went wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].removeprefix("Reason:").strip() if lines else "unknown reason"
