"""Jobs for worker processes: from one file to its slices for the cache. Needs no torch."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_modules.cache import slice_selection as slices
from data_modules.io.brain_box import brain_box
from data_modules.io.crop_or_pad import crop_or_pad
from data_modules.io.geometry import check_same_grid
from data_modules.io.orientation import SET_BOTH_FORMS, unclear_orientation
from data_modules.io.volumes import read_labels, read_modality, swapped_axes
from data_modules.utils.errors import DataError
from data_modules.utils.problems import BadFileError, Problem, by
from data_modules.utils.words import counted

LEAST_BRAIN_FOUND = 0.5  # less of what is not background, and brain was probably lost


@dataclass(frozen=True)
class CaseSlices:
    """The slices of one file that are cached.

    Attributes:
        case: Id of the case.
        indices: Index of each slice in the volume, ascending.
        values: (slices, height, width), cropped or padded.
        spacing: Voxel spacing in mm, x, y, z.
        size: Size of the volume in voxels, x, y, z.
        intensities: Lowest, mean and highest intensity in the brain before normalisation; empty for
            labels.
        warnings: What looks wrong with the file but does not prevent its use.
        stored: The values other than 0 in the file; labels only.
        brain: Top, bottom, left and right of the box around the brain of all slices, in slices of
            the cached size; images only.
    """

    case: str
    indices: NDArray[np.int64]
    values: NDArray[Any]
    spacing: tuple[float, ...]
    size: tuple[int, ...]
    intensities: tuple[float, ...] = ()
    warnings: tuple[Problem, ...] = ()
    stored: tuple[int, ...] = ()
    brain: tuple[int, ...] = ()


@dataclass(frozen=True)
class LabelJob:
    """Read the labels of a case.

    Its repr is part of the cache key: to rename the class or a field rebuilds every cache.
    """

    case: str
    path: Path
    labels: tuple[tuple[int, int], ...]
    choice: slices.SliceChoice
    target: tuple[int, ...]
    size: tuple[int, int]

    def files(self) -> list[Path]:
        """The files that the result depends on."""
        return [self.path]

    def without_folders(self) -> "LabelJob":
        """The same job wherever the data set is."""
        return replace(self, path=Path(self.path.name))

    def __call__(self) -> CaseSlices:
        """Read, select slices, crop or pad. Raises DataError for a bad file."""
        segmentation = read_labels(self.path, dict(self.labels))
        labels = segmentation.labels
        indices = slices.by_labels(self.choice, labels, self.target)
        values = crop_or_pad(labels[indices], self.size)
        lost = int(np.count_nonzero(labels[indices]) - np.count_nonzero(values))
        return CaseSlices(
            self.case,
            indices,
            values,
            segmentation.grid.lps_spacing,
            labels.shape[::-1],
            warnings=_warnings(
                self,
                (self._cropped(lost), "raise --data.image_size"),
                (segmentation.rounded, "write them as integers without scl_slope and scl_inter"),
                (unclear_orientation(self.path, segmentation.grid.axes), SET_BOTH_FORMS),
            ),
            stored=segmentation.stored,
        )

    def _cropped(self, lost: int) -> str | None:
        if not lost:
            return None
        return f"cropping to {by(self.size)} loses {counted(lost, 'labelled pixel')} of its slices"


@dataclass(frozen=True)
class ImageJob:
    """Read one modality of a case. The cache key holds its repr, as of ``LabelJob``.

    Attributes:
        case: Id of the case.
        path: The file.
        beside: Another file of the case, which must have the same size, spacing and direction.
        choice: Which slices; the resulting indices if the ground truth decides.
        size: Height and width of the cached slices.
        channel: Index of the modality in a 4-D file.
    """

    case: str
    path: Path
    beside: Path | None
    choice: slices.SliceChoice
    size: tuple[int, int]
    channel: int | None = None

    def files(self) -> list[Path]:
        """The files that the result depends on."""
        return [self.path] if self.beside is None else [self.path, self.beside]

    def without_folders(self) -> "ImageJob":
        """The same job wherever the data set is."""
        beside = self.beside and Path(self.beside.name)
        return replace(self, path=Path(self.path.name), beside=beside)

    def __call__(self) -> CaseSlices:
        """Read, check, select slices, crop or pad. Raises DataError for a bad file."""
        volume = read_modality(self.path, self.channel)
        origins = None
        if self.beside is not None:
            origins = check_same_grid(self.path, volume.grid, self.beside)
        indices = slices.by_depth(self.choice, len(volume.voxels))
        if indices is None:
            indices = slices.with_brain(volume.brain)
        values = crop_or_pad(volume.normalised(indices, np.float16), self.size)
        shape = volume.voxels.shape
        return CaseSlices(
            self.case,
            indices,
            values,
            volume.grid.lps_spacing,
            shape[::-1],
            volume.intensities,
            _warnings(
                self,
                (origins, "check that the labels lie on the tumour"),
                (swapped_axes(shape), "check whether its axes were swapped"),
                (unclear_orientation(self.path, volume.grid.axes), SET_BOTH_FORMS),
                (
                    _lost_brain(volume.brain_share),
                    "set everything outside the head to one value, or leave the case out",
                ),
            ),
            brain=brain_box(volume.brain, self.size),
        )


def _warnings(job: LabelJob | ImageJob, *checks: tuple[str | None, str]) -> tuple[Problem, ...]:
    """Of what was found and its remedy, what was found."""
    return tuple(
        Problem(job.case, str(job.path), what, remedy, is_warning=True)
        for what, remedy in checks
        if what
    )


def _lost_brain(share: float) -> str | None:
    """Why the brain mask looks wrong; None if it does not."""
    if share >= LEAST_BRAIN_FOUND:
        return None
    return (
        f"the brain found in it is {100 * share:.0f} % of the voxels brighter than the background, "
        f"expected at least {100 * LEAST_BRAIN_FOUND:.0f} %"
    )


def read_slices(job: LabelJob | ImageJob) -> CaseSlices | Problem:
    """Run a job. A bad file is a result too, so that it does not hide other bad files."""
    try:
        return job()
    except BadFileError as error:
        return error.as_problem(job.case)
    except DataError as error:
        return Problem(job.case, str(job.path), str(error), "change it, or leave the case out")
