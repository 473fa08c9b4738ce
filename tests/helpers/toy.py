"""Toy data sets: NIfTI files of a few kilobytes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from tests.helpers.paths import SHARED

REAL = SHARED / "real"  # real patients, which are not distributed

BRATS_2023 = {"t1n": "-t1n", "t1c": "-t1c", "t2w": "-t2w", "t2f": "-t2f", "seg": "-seg"}
BRATS_2021 = {"t1n": "_t1", "t1c": "_t1ce", "t2w": "_t2", "t2f": "_flair", "seg": "_seg"}


def toy_labels(
    seed: int, size: int = 40, depth: int = 4, values: Sequence[int] = (1, 2, 3)
) -> NDArray[np.uint8]:
    """Concentric discs of oedema, core and enhancing tumour, in all slices except the first."""
    core, oedema, enhancing = values
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    cy, cx = rng.integers(size // 2 - 5, size // 2 + 6, 2)
    distance = np.hypot(y - cy, x - cx)
    labels = np.zeros((depth, size, size), np.uint8)
    for radius, value in ((8, oedema), (5, core), (3, enhancing)):
        labels[1:, distance < radius] = value
    return labels


def toy_image(labels: NDArray[np.uint8], seed: int) -> NDArray[np.int16]:
    """A noisy round head that is 0 outside, in which labelled voxels are brighter."""
    rng = np.random.default_rng(seed)
    depth, size, _ = labels.shape
    y, x = np.mgrid[:size, :size]
    head = np.hypot(y - size / 2 + 0.5, x - size / 2 + 0.5) < size * 0.42
    image = 100 + rng.normal(0, 8, labels.shape) + 60 * (labels > 0) + 15 * labels
    return np.where(np.broadcast_to(head, (depth, size, size)), image, 0).astype(np.int16)


def write_volume(
    path: Path,
    voxels: NDArray[np.generic],
    spacing: tuple[float, float, float] = (1, 1, 1),
    origin: tuple[float, float, float] = (0, -239, 0),
    direction: Sequence[float] = (1, 0, 0, 0, 1, 0, 0, 0, 1),
) -> Path:
    """Write an array (depth, height, width) as a NIfTI file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing(spacing)
    image.SetOrigin(origin)
    image.SetDirection(direction)
    sitk.WriteImage(image, str(path))
    return path


def write_case(
    root: Path,
    case: str,
    *,
    seed: int = 0,
    names: Mapping[str, str] = BRATS_2023,
    values: Sequence[int] = (1, 2, 3),
    ending: str = ".nii.gz",
    size: int = 40,
    depth: int = 4,
) -> Path:
    """Write a case; ``names`` maps the modalities to write (and seg) to the suffixes of files."""
    labels = toy_labels(seed, size, depth)
    for number, (kind, suffix) in enumerate(sorted(names.items())):
        path = root / case / f"{case}{suffix}{ending}"
        if kind == "seg":
            write_volume(path, toy_labels(seed, size, depth, values))
        else:
            write_volume(path, toy_image(labels, seed * 10 + number))
    return root / case


def write_dataset(root: Path, cases: int, *, size: int = 40, depth: int = 4) -> Path:
    """Write cases BraTS-GLI-00000-000 and so on, each of another patient."""
    for index in range(cases):
        write_case(root, f"BraTS-GLI-{index:05d}-000", seed=index, size=size, depth=depth)
    return root


def toy_config(root: Path) -> dict[str, Any]:
    """A config that makes any experiment on the cases below ``root`` take seconds."""
    return {
        "trainer": {"max_epochs": 1, "accelerator": "cpu", "enable_progress_bar": False},
        "model": {"network": {"init_args": {"widths": [4, 4, 4, 4, 8]}}},
        "data": {
            "root": str(root),
            "image_size": [32, 32],
            "batch_size": 4,
            "cache_dir": str(root.parent / "cache"),
        },
    }
