"""A whole case as a network gets it, from files or from arrays. Imports no torch."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from data_modules.cache.slice_selection import with_brain
from data_modules.catalog.cases import Case
from data_modules.io.brain_box import Box, brain_box, union
from data_modules.io.crop_or_pad import crop_or_pad
from data_modules.io.geometry import Grid, check_same_grid
from data_modules.io.nifti import check_finite
from data_modules.io.orientation import SET_BOTH_FORMS, unclear_orientation
from data_modules.io.volumes import BrainVolume, brain_volume, read_modality
from data_modules.utils.errors import DataError
from data_modules.utils.problems import BadFileError, by
from data_modules.window import Size, Window, size_to_hold

LOST_BRAIN_WARNING = 0.001  # share of the brain outside the slices; less is a rim of a few voxels

_log = logging.getLogger(__name__)


class CaseVolume(NamedTuple):
    """A case to segment.

    Attributes:
        image: z-scored over the brain, float32 (D, modalities, H, W) in LPS order; 0 in slices
            without brain, which get no prediction.
        spacing: of its voxels in mm along x, y, z; empty for arrays.
        window: the part of each slice that the network gets.
    """

    image: NDArray[np.float32]
    spacing: tuple[float, ...]
    window: Window


def read_case(
    case: Case, modalities: Sequence[str], size: Size, window: Size | None = None
) -> CaseVolume:
    """Read a whole case; the arguments are those of ``VolumeDataset``.

    Raises:
        DataError: a file is bad, or lies on another grid than the first.
    """
    files = [(case.images[m], case.channel(m)) for m in modalities]
    (first, _), *_ = files
    channels = []
    grids: dict[Path, Grid] = {}
    for path, channel in files:
        volume = read_modality(path, channel)
        if path != first:
            check_same_grid(path, volume.grid, first)
        grids[path] = volume.grid
        channels.append(_channel(volume, size, path))
    for path, grid in grids.items():
        if what := unclear_orientation(path, grid.axes):
            _log.warning("%s: %s; %s", path, what, SET_BOTH_FORMS)
    spacing, around = volume.grid.lps_spacing, _window(channels, window, size, case.id)
    return CaseVolume(_joined(channels), spacing, around)


def volume_of_arrays(
    arrays: Mapping[str, NDArray[Any]], size: Size, window: Size | None = None
) -> CaseVolume:
    """The volume of the raw intensities of each modality, treated as those of a file.

    Args:
        arrays: (depth, height, width) each, in LPS order as in BraTS, in the order of the network's
            channels.
        size: height and width to which slices are cropped or padded, as in training.
        window: as in ``VolumeDataset``.

    Raises:
        DataError: an array has another number of axes or another shape than the first, is not made
            of finite numbers, or is constant.
    """
    first, *_ = arrays.values()
    channels = []
    for modality, voxels in arrays.items():
        if voxels.ndim != 3 or voxels.shape != first.shape or voxels.dtype.kind not in "iuf":
            raise DataError(
                f"the array of {modality} is {voxels.dtype} of shape {voxels.shape}, expected "
                "numbers (depth, height, width) of the same shape for each modality"
            )
        name = Path(f"the array of {modality}")
        try:
            check_finite(name, voxels)
            volume = brain_volume(voxels, Grid.of_array(voxels), name)
        except BadFileError as error:  # without the remedy, which is for files
            raise DataError(f"{error.file}: {error.what}") from None
        channels.append(_channel(volume, size, name))
    return CaseVolume(_joined(channels), (), _window(channels, window, size, "the arrays"))


class _Channel(NamedTuple):
    """A modality: its slices, the indices of those with brain, and the box around its brain."""

    slices: NDArray[np.float32]
    with_brain: NDArray[np.int64]
    brain: Box


def _channel(volume: BrainVolume, size: Size, source: Path) -> _Channel:
    slices = _normalised(volume, size, source)
    return _Channel(slices, with_brain(volume.brain), brain_box(volume.brain, size))


def _joined(channels: Sequence[_Channel]) -> NDArray[np.float32]:
    """The image of the modalities; slices that a test leaves out because of their brain are 0."""
    image = np.stack([channel.slices for channel in channels], axis=1)
    kept = np.concatenate([channel.with_brain for channel in channels])
    image[~np.isin(np.arange(len(image)), kept)] = 0
    return image


def _window(channels: Sequence[_Channel], window: Size | None, size: Size, name: str) -> Window:
    """The window around a brain, as a test has it; says if it is larger than in training."""
    if window is None:
        return Window(0, 0, *size)
    brain = union(channel.brain for channel in channels)
    needed = size_to_hold([brain], window, size)
    if needed != window:
        _log.info(
            "%s: its brain, %s, does not fit data.window %s: it gets a window of %s",
            *(name, by(brain.size), by(window), by(needed)),
        )
    return Window.around(brain, needed, size)


def _normalised(volume: BrainVolume, size: Size, source: Path) -> NDArray[np.float32]:
    """The slices of one modality, z-scored and cropped or padded; warns if that costs brain."""
    brain = volume.brain
    lost = 1 - np.count_nonzero(crop_or_pad(brain, size)) / np.count_nonzero(brain)
    if lost > LOST_BRAIN_WARNING:
        _log.warning("%s: %.1f %% of the head lie outside data.image_size", source, 100 * lost)
    return crop_or_pad(volume.normalised(), size)
