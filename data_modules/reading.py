"""Jobs for worker processes: from one file to the slices that are kept of it. Needs no torch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_modules import slices
from data_modules.errors import DataError
from data_modules.framing import frame
from data_modules.volumes import check_same_grid, read_labels, read_modality


@dataclass(frozen=True)
class CaseSlices:
    """The slices kept of one file.

    Attributes:
        case: id of the case.
        indices: index of each slice in the volume, rising.
        values: (slices, height, width), framed.
        spacing: distance of the voxels in mm, x, y, z.
        cropped: labelled pixels of the kept slices that framing cut away; 0 for an image.
    """

    case: str
    indices: NDArray[np.int64]
    values: NDArray[Any]
    spacing: tuple[float, ...]
    cropped: int


@dataclass(frozen=True)
class BadCase:
    """A file that cannot be used, and why."""

    case: str
    problem: str


@dataclass(frozen=True)
class LabelJob:
    """Read the labels of a case."""

    case: str
    path: Path
    labels: tuple[tuple[int, int], ...]
    choice: slices.SliceChoice
    target: tuple[int, ...]
    size: tuple[int, int]

    def files(self) -> list[Path]:
        """The files that the outcome depends on."""
        return [self.path]

    def __call__(self) -> CaseSlices:
        """Read, choose, frame. Raises DataError for a bad file."""
        labels, spacing = read_labels(self.path, dict(self.labels))
        indices = slices.by_labels(self.choice, labels, self.target)
        kept = labels[indices]
        framed = frame(kept, self.size)
        cropped = int(np.count_nonzero(kept) - np.count_nonzero(framed))
        return CaseSlices(self.case, indices, framed, spacing, cropped)


@dataclass(frozen=True)
class ImageJob:
    """Read one modality of a case.

    Attributes:
        case: id of the case.
        path: the file.
        beside: another file of the case, whose size, spacing and direction must be the same.
        choice: which slices; where the truth decides, the indices that it gave.
        size: height and width of the framed slices.
    """

    case: str
    path: Path
    beside: Path | None
    choice: slices.SliceChoice
    size: tuple[int, int]

    def files(self) -> list[Path]:
        """The files that the outcome depends on."""
        return [self.path] if self.beside is None else [self.path, self.beside]

    def __call__(self) -> CaseSlices:
        """Check, read, choose, frame. Raises DataError for a bad file."""
        if self.beside is not None:
            check_same_grid(self.path, self.beside)
        voxels, brain, spacing = read_modality(self.path)
        indices = slices.by_depth(self.choice, len(voxels))
        if indices is None:
            indices = slices.with_brain(brain)
        framed = frame(voxels[indices], self.size).astype(np.float16)
        return CaseSlices(self.case, indices, framed, spacing, 0)


def read_slices(job: LabelJob | ImageJob) -> CaseSlices | BadCase:
    """Run a job; a bad file is a result too, so that one does not hide the others."""
    try:
        return job()
    except DataError as error:
        return BadCase(job.case, str(error))
