"""Whole volumes without ground truth, for prediction."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from data_modules.catalog.cases import Case, check_case_id, find_cases, read_catalog
from data_modules.catalog.folders import stem_of
from data_modules.catalog.releases import releases_named
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


class Volume(TypedDict):
    """One case to predict.

    ``image`` is float32 (D, modalities, H, W) and ``spacing`` the distance between its voxels in
    mm, x first. ``window`` is the part of each slice that the network gets: first row, first
    column, height and width. ``problem`` says why a case could not be read, and is None if it
    could.
    """

    image: Tensor
    case: int
    spacing: tuple[float, ...]
    window: tuple[int, int, int, int]
    problem: str | None


class VolumeDataset(Dataset[Volume]):
    """Whole volumes, each read when it is asked for.

    Args:
        cases: the cases; they need no segmentation.
        modalities: the channels, in the order of the network's.
        size: height and width to which slices are cropped or padded, as in training.
        window: height and width that the network was trained with; None for whole slices. A brain
            that does not fit gets a larger window.
    """

    def __init__(
        self,
        cases: Sequence[Case],
        modalities: Sequence[str],
        size: Size,
        window: Size | None = None,
    ) -> None:
        self.cases = list(cases)
        self.modalities = list(modalities)
        self.size = size
        self.window = window

    def __len__(self) -> int:
        return len(self.cases)

    def __getitem__(self, index: int) -> Volume:
        """Read a case. A bad file goes into ``problem``, so that it does not stop the others."""
        try:
            volume = read_case(self.cases[index], self.modalities, self.size, self.window)
        except DataError as error:
            empty = torch.zeros(0, len(self.modalities), *self.size)
            window = Window(0, 0, *self.size)
            return {
                "image": empty,
                "case": index,
                "spacing": (),
                "window": window,
                "problem": str(error),
            }
        return {**volume, "case": index}


def read_case(
    case: Case, modalities: Sequence[str], size: Size, window: Size | None = None
) -> Volume:
    """Read a whole case; the arguments are those of ``VolumeDataset``.

    Raises:
        DataError: a file is bad, or lies on another grid than the first.
    """
    files = [(case.images[m], case.channel(m)) for m in modalities]
    (first, _), *_ = files
    channels = []
    brains = []
    grids: dict[Path, Grid] = {}
    for path, channel in files:
        volume = read_modality(path, channel)
        if path != first:
            check_same_grid(path, volume.grid, first)
        grids[path] = volume.grid
        channels.append(_normalised(volume, size, path))
        brains.append(brain_box(volume.brain, size))
    for path, grid in grids.items():
        if what := unclear_orientation(path, grid.axes):
            _log.warning("%s: %s; %s", path, what, SET_BOTH_FORMS)
    return _volume(channels, volume.grid.lps_spacing, _window(brains, window, size, case.id))


def volume_of_arrays(
    arrays: Mapping[str, NDArray[Any]], size: Size, window: Size | None = None
) -> Volume:
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
    brains = []
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
        channels.append(_normalised(volume, size, name))
        brains.append(brain_box(volume.brain, size))
    return _volume(channels, (), _window(brains, window, size, "the arrays"))


def _volume(
    channels: Sequence[NDArray[np.float32]], spacing: tuple[float, ...], window: Window
) -> Volume:
    image = torch.from_numpy(np.stack(channels, axis=1))
    return {"image": image, "case": 0, "spacing": spacing, "window": window, "problem": None}


def _window(brains: Sequence[Box], window: Size | None, size: Size, name: str) -> Window:
    """The window around a brain, as a test has it; says if it is larger than in training."""
    if window is None:
        return Window(0, 0, *size)
    brain = union(brains)
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


def cases_to_predict(folder: Path, modalities: Sequence[str], release: str) -> list[Case]:
    """All cases in or below a folder, or the case of a single image.

    Raises:
        DataError: no case was found, or a case lacks a modality that the network needs.
    """
    if folder.is_file():
        return [_case_of(folder, modalities, release)]
    catalog = read_catalog(folder, release, option="--input")
    for remark in catalog.remarks:
        _log.warning("--input: %s", remark)
    for case in catalog.cases:
        for problem in case.problems:
            if not problem.is_warning:
                raise DataError(f"--input: {problem}")
            _log.warning("%s", problem)
        missing = [modality for modality in modalities if modality not in case.images]
        if missing:
            raise DataError(
                f"case {case.id} has no {missing[0]} image, the network was trained on: "
                f"{', '.join(modalities)}; the case has: {', '.join(case.images)}"
            )
    return catalog.cases


def _case_of(image: Path, modalities: Sequence[str], release: str) -> Case:
    """The case that a single image belongs to, or one that is named after it."""
    name = stem_of(image)
    if name is None:
        raise DataError(f"--input '{image}' is no image, expected a file such as scan.nii.gz")
    if len(modalities) > 1:
        raise DataError(
            f"--input '{image}' is a single file, the network was trained on "
            f"{', '.join(modalities)}: name a folder that holds them"
        )
    (modality,), path = modalities, image.resolve()
    for case in _cases_around(path, release):
        if modality in case.images and case.images[modality] == path:
            return replace(case, images={modality: path})
        if path in case.files:
            what = next((m for m, file in case.images.items() if file == path), "segmentation")
            raise DataError(
                f"--input '{image}' is the {what} of case {case.id}, the network was trained on "
                f"{modality}"
            )
    check_case_id(name)
    single = next(release for release in releases_named(release) if not release.channels)
    return Case(name, name, path.parent, single, {modality: path}, None)


def _cases_around(image: Path, release: str) -> list[Case]:
    """The cases in the folder of an image; none if it holds none."""
    try:
        return find_cases(image.parent, release)
    except DataError:
        return []
