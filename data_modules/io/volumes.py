"""Read, check and normalise the files of one case.

Arrays are (depth, height, width) in LPS order, as in BraTS: slices from the neck up, the front of
the head in the first row, the patient's right in the first column.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import SimpleITK as sitk
from numpy.typing import DTypeLike, NDArray

from data_modules.io.brain_mask import find_brain
from data_modules.io.geometry import Grid, grid_of, reader_of, unreadable
from data_modules.io.header_checks import check_meta_image, is_nifti
from data_modules.io.nifti import check_finite, read_nifti
from data_modules.utils.problems import COPY_AGAIN, BadFileError
from data_modules.utils.words import counted

BRATS_SHAPE = (155, 240, 240)
LABEL_TOLERANCE = 0.01  # 1 is 1.0039 as a scaled byte and 1.00002 as a scaled 16-bit integer
LARGEST_INTENSITY = 1e30  # computations are in float32, which ends at 3e38
_VALUES_SHOWN = 5  # in a message


@dataclass(frozen=True)
class BrainVolume:
    """One modality of a case.

    Attributes:
        voxels: (depth, height, width) as stored, in a type that float32 represents exactly.
        brain: Mask of the same shape.
        grid: The voxel grid of the file.
        intensities: Lowest, mean and highest intensity in the brain.
        deviation: Standard deviation of the intensities in the brain.
        brain_share: In the mask, of the voxels that are clearly brighter than the background.
    """

    voxels: NDArray[Any]
    brain: NDArray[np.bool_]
    grid: Grid
    intensities: tuple[float, float, float]
    deviation: np.float32
    brain_share: float

    def normalised(
        self, indices: NDArray[np.int64] | None = None, dtype: DTypeLike = np.float32
    ) -> NDArray[Any]:
        """Slices (n, height, width), z-scored over the brain, 0 outside it.

        Args:
            indices: Which slices; None for all.
            dtype: Type of the result; the computation is in float32.
        """
        selected = np.arange(len(self.voxels)) if indices is None else indices
        mean = np.float32(self.intensities[1])
        scored = np.zeros((len(selected), *self.voxels.shape[1:]), dtype)
        # Slice by slice: a slice fits into the CPU cache, a volume does not.
        for target, index in zip(scored, selected, strict=True):
            values = (self.voxels[index].astype(np.float32) - mean) / self.deviation
            np.copyto(target, values, casting="same_kind", where=self.brain[index])
        return scored


class LabelSource(NamedTuple):
    """What defines the values of a label map, and the option that names it."""

    name: str
    option: str


RELEASE = LabelSource("its release", "--data.release")


@dataclass(frozen=True)
class Segmentation:
    """The segmentation of a case.

    Attributes:
        labels: Labels of BraTS 2023 (depth, height, width), in 0..3.
        grid: The voxel grid of the file.
        rounded: Which stored values were read as which labels, as text; None if all are integers.
        stored: Labels of the release other than 0 in the file, ascending.
    """

    labels: NDArray[np.uint8]
    grid: Grid
    rounded: str | None
    stored: tuple[int, ...]


def read_volume(path: Path, channel: int | None = None) -> tuple[NDArray[Any], Grid]:
    """Read a volume in LPS order, and the grid of its file.

    Args:
        path: The file.
        channel: Which volume of a 4-D file; None for a 3-D file.

    Raises:
        BadFileError: The file cannot be read, has other dimensions, or has missing, NaN or infinite
            voxels.
    """
    if is_nifti(path):
        stored = read_nifti(path)
        grid = grid_of(path, reader_of(path), channel)
        voxels = stored.reshape(-1, *grid.size[::-1])[channel or 0]
    else:
        voxels, grid = _read_by_itk(path, channel)
    return grid.to_lps(voxels), grid


def read_modality(path: Path, channel: int | None = None) -> BrainVolume:
    """Read one modality and find the brain; ``channel`` selects the volume of a 4-D file.

    Raises:
        BadFileError: The file is bad, the image is constant, or float32 cannot hold the
            intensities.
    """
    return brain_volume(*read_volume(path, channel), path)


def brain_volume(voxels: NDArray[Any], grid: Grid, path: Path) -> BrainVolume:
    """Find the brain in voxels (depth, height, width) in LPS order, which ``path`` names in errors.

    Raises:
        BadFileError: As ``read_modality`` does.
    """
    voxels = _as_float32_holds(voxels, path)
    brain, inside, share = find_brain(voxels)
    if inside.size == 0:
        raise _constant(path, "", voxels.flat[0])
    centred = inside.astype(np.float64)
    mean = float(centred.mean())
    centred -= mean
    deviation = np.float32(np.sqrt(centred @ centred / centred.size))
    if deviation == 0:
        raise _constant(path, " of the brain", inside[0])
    intensities = (float(inside.min()), mean, float(inside.max()))
    return BrainVolume(voxels, brain, grid, intensities, deviation, share)


def read_labels(
    path: Path, labels: Mapping[int, int], defined_by: LabelSource = RELEASE
) -> Segmentation:
    """Read a segmentation as labels of BraTS 2023.

    Values that the header scales are not exact: within ``LABEL_TOLERANCE`` of a label they are that
    label.

    Args:
        path: The file.
        labels: Maps each value of the release to a label.
        defined_by: What defines the values, for messages.

    Raises:
        BadFileError: The file is unreadable, or has a value that is not defined.
    """
    source, grid = read_volume(path)
    # Nearly everything is background, so only the rest is mapped.
    slices = np.flatnonzero([voxels.any() for voxels in source])
    labelled = source[slices]
    foreground = labelled != 0
    values, index, counts = np.unique(labelled[foreground], return_inverse=True, return_counts=True)
    nearest = _nearest(values, labels)
    unknown = ~(np.abs(values - nearest) <= LABEL_TOLERANCE)
    if unknown.any():
        what, remedy = _unknown_labels(values[unknown], counts[unknown], labels, defined_by)
        raise BadFileError(path, what, remedy)
    mapped = np.zeros(labelled.shape, np.uint8)
    mapped[foreground] = np.array([labels[value] for value in nearest.tolist()], np.uint8)[index]
    result = np.zeros(source.shape, np.uint8)
    result[slices] = mapped
    return Segmentation(result, grid, _rounded(values, nearest), tuple(nearest.tolist()))


def swapped_axes(shape: tuple[int, ...]) -> str | None:
    """Why the axes of a volume (depth, height, width) look swapped; None if they do not."""
    if sorted(shape) != sorted(BRATS_SHAPE) or shape == BRATS_SHAPE:
        return None
    depth, height, width = shape
    return f"has {depth} slices of {height} x {width}, BraTS has 155 of 240 x 240"


def _read_by_itk(path: Path, channel: int | None) -> tuple[NDArray[Any], Grid]:
    """Read a file of another format than NIfTI, with no checks but those of ITK."""
    check_meta_image(path)
    reader = reader_of(path)
    grid = grid_of(path, reader, channel)
    if channel is not None:
        reader.SetExtractSize([*grid.size, 0])
        reader.SetExtractIndex([0, 0, 0, channel])
    try:
        voxels = sitk.GetArrayFromImage(reader.Execute())
    except RuntimeError as error:
        raise unreadable(path, error) from None
    check_finite(path, voxels)
    return voxels, grid


def _as_float32_holds(voxels: NDArray[Any], path: Path) -> NDArray[Any]:
    """Voxels in a type that float32 represents exactly; small integers stay integers."""
    if voxels.dtype.kind in "iu" and voxels.dtype.itemsize <= 2:
        return voxels
    largest = max(-float(voxels.min()), float(voxels.max()))
    if not largest <= LARGEST_INTENSITY:
        raise BadFileError(
            path,
            f"intensities reach {largest:g}, expected at most {LARGEST_INTENSITY:g}",
            "scale them down",
        )
    return voxels.astype(np.float32, copy=False)


def _constant(path: Path, region: str, value: float) -> BadFileError:
    return BadFileError(
        path, f"the image is constant: all voxels{region} are {value:g}", COPY_AGAIN
    )


def _nearest(values: NDArray[Any], labels: Mapping[int, int]) -> NDArray[np.int64]:
    """The value of the release that is nearest to each stored value."""
    known = np.array(sorted(labels), np.int64)
    nearest: NDArray[np.int64] = known[np.abs(values[:, np.newaxis] - known).argmin(axis=1)]
    return nearest


def _rounded(values: NDArray[Any], nearest: NDArray[np.int64]) -> str | None:
    differing = values != nearest
    if not differing.any():
        return None
    stored = ", ".join(f"{value:.6g}" for value in values[differing][:_VALUES_SHOWN])
    read = ", ".join(map(str, nearest[differing][:_VALUES_SHOWN]))
    return f"its labels {stored} are read as {read}"


def _unknown_labels(
    values: NDArray[Any], counts: NDArray[np.int64], labels: Mapping[int, int], source: LabelSource
) -> tuple[str, str]:
    """What is wrong, and what to do about it."""
    some = zip(values[:_VALUES_SHOWN], counts[:_VALUES_SHOWN], strict=True)
    shown = ", ".join(f"{value:g} ({counted(count, 'voxel')})" for value, count in some)
    expected = ", ".join(map(str, sorted(labels)))
    if not (values == np.round(values)).all():
        remedy = "resample labels by nearest neighbour"
    elif values.tolist() == [4]:
        remedy = f"see {source.option}; up to 2021, 4 was enhancing tumour, which is 3 since 2023"
    else:
        remedy = f"see {source.option}"
    return f"label {shown} is unknown to {source.name}, expected {expected}", remedy
