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
from numpy.typing import DTypeLike, NDArray

from data_modules.io.brain_mask import find_brain
from data_modules.io.geometry import Grid, grid_of, reader_of, unreadable
from data_modules.io.header_checks import check_file, is_nifti
from data_modules.io.nifti import read_nifti
from data_modules.utils.problems import COPY_AGAIN, BadFileError

BRATS_SHAPE = (155, 240, 240)
LARGEST_INTENSITY = 1e30  # float32, in which we reckon, ends at 3e38


@dataclass(frozen=True)
class BrainVolume:
    """One modality of a case.

    Attributes:
        voxels: (depth, height, width) as they are stored, in a type that float32 holds exactly.
        brain: mask of the same shape.
        grid: where the voxels lie in the file.
        intensities: the lowest, the mean and the highest in the brain.
        deviation: of the intensities in the brain.
    """

    voxels: NDArray[Any]
    brain: NDArray[np.bool_]
    grid: Grid
    intensities: tuple[float, float, float]
    deviation: np.float32

    def normalised(
        self, indices: NDArray[np.int64] | None = None, dtype: DTypeLike = np.float32
    ) -> NDArray[Any]:
        """Slices (n, height, width), z-scored over the brain, 0 outside it.

        Args:
            indices: which slices; None for all.
            dtype: of the outcome; reckoned in float32.
        """
        chosen = np.arange(len(self.voxels)) if indices is None else indices
        mean = np.float32(self.intensities[1])
        scored = np.zeros((len(chosen), *self.voxels.shape[1:]), dtype)
        # One after the other: a slice fits into the processor's cache, a volume does not.
        for into, index in zip(scored, chosen, strict=True):
            values = (self.voxels[index].astype(np.float32) - mean) / self.deviation
            np.copyto(into, values, casting="same_kind", where=self.brain[index])
        return scored


def read_volume(path: Path, channel: int | None = None) -> tuple[NDArray[Any], Grid]:
    """Read a volume, brought to LPS order, and the grid of its file.

    Args:
        path: the file.
        channel: which volume of a 4-D file; None for a 3-D file.

    Raises:
        BadFileError: the file cannot be read, has other dimensions, or has missing, NaN or infinite
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
    """Read one modality and find its brain; of a 4-D file the volume ``channel``.

    Raises:
        BadFileError: a bad file, a constant image, or intensities that float32 cannot hold.
    """
    voxels, grid = read_volume(path, channel)
    voxels = _as_float32_holds(voxels, path)
    brain, inside = find_brain(voxels)
    if inside.size == 0:
        raise _constant(path, "", voxels.flat[0])
    centred = inside.astype(np.float64)
    mean = float(centred.mean())
    centred -= mean
    deviation = np.float32(np.sqrt(centred @ centred / centred.size))
    if deviation == 0:
        raise _constant(path, " of the brain", inside[0])
    intensities = (float(inside.min()), mean, float(inside.max()))
    return BrainVolume(voxels, brain, grid, intensities, deviation)


def read_labels(path: Path, labels: Mapping[int, int]) -> tuple[NDArray[np.uint8], Grid]:
    """Read a segmentation as BraTS 2023's labels.

    Args:
        path: the file.
        labels: each value that the release knows, and the label that it becomes.

    Returns:
        Labels (depth, height, width) in 0..3, and the grid of the file.

    Raises:
        BadFileError: unreadable, or a value that the release does not know, with its count.
    """
    source, grid = read_volume(path)
    # Background is nearly all there is, so only the rest is looked at.
    slices = np.flatnonzero([one.any() for one in source])
    labelled = source[slices]
    where = labelled != 0
    found = labelled[where]
    values = np.unique(found)
    if unknown := [value for value in values.tolist() if value not in labels]:
        counted = [(value, int(np.count_nonzero(found == value))) for value in unknown]
        raise _unknown_labels(path, counted, labels)
    names = np.array([labels[value] for value in values.tolist()], np.uint8)
    renamed = np.zeros(labelled.shape, np.uint8)
    renamed[where] = names[np.searchsorted(values, found)]
    translated = np.zeros(source.shape, np.uint8)
    translated[slices] = renamed
    return translated, grid


def swapped_axes(shape: tuple[int, ...]) -> str | None:
    """What makes a volume (depth, height, width) look as if its header hid a swap of its axes."""
    if sorted(shape) != sorted(BRATS_SHAPE) or shape == BRATS_SHAPE:
        return None
    depth, height, width = shape
    return f"holds {depth} slices of {height} x {width}, BraTS has 155 of 240 x 240"


def _read_by_itk(path: Path, channel: int | None) -> tuple[NDArray[Any], Grid]:
    """A file of another format than NIfTI: ITK's word for it is all there is."""
    check_file(path)
    reader = reader_of(path)
    grid = grid_of(path, reader, channel)
    if channel is not None:
        reader.SetExtractSize([*grid.size, 0])
        reader.SetExtractIndex([0, 0, 0, channel])
    try:
        return sitk.GetArrayFromImage(reader.Execute()), grid
    except RuntimeError as error:
        raise unreadable(path, error) from None


def _as_float32_holds(voxels: NDArray[Any], path: Path) -> NDArray[Any]:
    """Voxels of a type whose every value is a float32: small whole numbers as they are."""
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


def _constant(path: Path, where: str, value: float) -> BadFileError:
    return BadFileError(path, f"the image is constant: all voxels{where} are {value:g}", COPY_AGAIN)


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
