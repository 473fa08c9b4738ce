"""Reads and checks the label maps of a case, on one grid or not at all."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_modules.catalog.releases import OEDEMA
from data_modules.io.geometry import Grid, check_same_grid, read_grid
from data_modules.io.volumes import LABEL_TOLERANCE, LabelSource, read_labels, read_volume
from data_modules.utils.problems import BadFileError, Problem
from data_modules.utils.words import counted
from lightning_app.evaluation.inputs.pairing import CaseFiles
from lightning_app.evaluation.inputs.references import Reference
from lightning_app.evaluation.inputs.values import LabelMap

Labels = NDArray[np.uint8]


@dataclass(frozen=True)
class CaseLabels:
    """The label maps of a case as labels of BraTS 2023.

    Attributes:
        reference: uint8 (D, H, W), the ground truth.
        masks: the same of each mask; all 0 if it is missing.
        spacing: distance between voxels in mm along z, y, x.
    """

    reference: Labels
    masks: tuple[Labels, ...]
    spacing: tuple[float, float, float]


def check_case(files: CaseFiles) -> list[Problem]:
    """Everything that is wrong with the files of a case."""
    reference = files.reference
    checks: list[Callable[[], object]] = [partial(_read, reference.label_map)]
    for mask in filter(None, files.masks):
        checks += [partial(_read, mask), partial(_check_grid, mask, reference)]
    problems: list[Problem] = []
    for check in checks:
        try:
            check()
        except BadFileError as error:
            problem = error.as_problem(reference.case)
            problems += [] if problem in problems else [problem]
    return problems


def read_case(files: CaseFiles) -> CaseLabels:
    """Read the files of a case that has been checked.

    If a volume has a single slice along any axis, that axis comes first.

    Raises:
        BadFileError: a file has changed since.
    """
    reference, grid = _read(files.reference.label_map)
    masks = []
    for mask in files.masks:
        if mask is not None:
            _check_grid(mask, files.reference)
        masks.append(np.zeros_like(reference) if mask is None else _read(mask)[0])
    axes = sorted(range(3), key=lambda axis: reference.shape[axis] > 1)
    first, second, third = (grid.lps_spacing[::-1][axis] for axis in axes)
    turned = [labels.transpose(axes) for labels in (reference, *masks)]
    return CaseLabels(turned[0], tuple(turned[1:]), (first, second, third))


def _read(label_map: LabelMap) -> tuple[Labels, Grid]:
    """Labels of BraTS 2023 (D, H, W), and the grid of the file."""
    path, values = label_map.path, label_map.values
    if values.labels is None:
        return _read_tumour(path)
    read = read_labels(path, values.labels, LabelSource(values.name, values.option))
    return read.labels, read.grid


def _read_tumour(path: Path) -> tuple[Labels, Grid]:
    """All that is not 0 as tumour; which part of it is not known."""
    voxels, grid = read_volume(path)
    if voxels.dtype.kind == "f":
        nearest = np.round(voxels)
        off = np.abs(voxels - nearest) > LABEL_TOLERANCE
        if off.any():
            number = counted(off.sum(), "voxel")
            what = f"has the value {voxels[off][0]:g} ({number}), expected whole numbers"
            raise BadFileError(path, what, "write a label map, not probabilities")
        voxels = nearest
    return np.where(voxels != 0, np.uint8(OEDEMA), np.uint8(0)), grid


def _check_grid(mask: LabelMap, reference: Reference) -> None:
    """Raise BadFileError unless the mask lies on the voxels of the ground truth."""
    grid = read_grid(mask.path)
    origins = check_same_grid(mask.path, grid, reference.label_map.path, "the ground truth")
    # Some mirrors of BraTS rewrote the origin of the segmentation, but not those of the scans.
    if origins and not any(_is_on(mask.path, grid, image) for image in reference.images):
        raise BadFileError(
            mask.path, origins, "copy the header of the ground truth if the voxels match its own"
        )


def _is_on(path: Path, grid: Grid, image: Path) -> bool:
    with suppress(BadFileError):
        return check_same_grid(path, grid, image) is None
    return False
