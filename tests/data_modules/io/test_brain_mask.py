"""The brain mask is about shapes, not about the scale in which a file stores its intensities."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from data_modules.io.brain_mask import find_brain
from data_modules.io.volumes import read_volume
from tests.helpers.toy import REAL

Voxels = NDArray[np.float64]


def spread(low: float, high: float) -> Callable[[Voxels], Voxels]:
    """Spread the intensities from ``low`` to ``high``."""
    return lambda x: low + (x - x.min()) / (x.max() - x.min()) * (high - low)


SCALES: dict[str, Callable[[Voxels], Voxels]] = {
    "0 to 1": spread(0, 1),
    "-1 to 1": spread(-1, 1),
    "-0.5 to 0.5": spread(-0.5, 0.5),
    "-2 to 2": spread(-2, 2),
    "z-scored with the background": lambda x: (x - x.mean()) / x.std(),
    "huge": spread(0, 1e29),
    "tiny": spread(-1e-20, 1e-20),
    "shifted": spread(900, 1000),
}
each_scale = pytest.mark.parametrize("scale", SCALES.values(), ids=SCALES.keys())


def head() -> tuple[Voxels, NDArray[np.bool_]]:
    """Six slices of a round brain with bright and dim tissue, and where it is."""
    y, x = np.mgrid[:64, :64] - 31.5
    brain = np.broadcast_to(np.hypot(y, x) < 25, (6, 64, 64))
    rng = np.random.default_rng(0)
    tissue = rng.choice([300, 420, 1000], brain.shape, p=[0.5, 0.45, 0.05])
    return brain * np.round(tissue + rng.normal(0, 30, brain.shape)), brain


@each_scale
def test_a_stripped_brain_is_found_whatever_the_scale(scale: Callable[[Voxels], Voxels]) -> None:
    voxels, brain = head()

    found = find_brain(scale(voxels).astype(np.float32))

    np.testing.assert_array_equal(found.mask, brain)
    assert found.share == 1


@each_scale
def test_a_head_with_noise_round_it_is_found_whatever_the_scale(
    scale: Callable[[Voxels], Voxels],
) -> None:
    voxels, brain = head()
    noise = np.random.default_rng(1).integers(0, 6, voxels.shape)
    voxels = np.where(brain, voxels, noise)

    found = find_brain(scale(voxels).astype(np.float32))

    np.testing.assert_array_equal(found.mask, brain)
    assert found.share == 1


def test_brain_that_is_lost_shows_in_the_share() -> None:
    voxels, brain = head()
    voxels = np.where(brain, voxels, np.random.default_rng(1).integers(0, 6, voxels.shape))
    voxels[2, 20, 20] = 1e7  # a hot voxel, beside which everything else is dark

    assert find_brain(voxels.astype(np.float32)).share < 0.01


def real_files() -> list[Path]:
    return [path for path in sorted(REAL.glob("*/*/*.nii.gz")) if "-seg." not in path.name]


def check_every_scale(path: Path) -> None:
    voxels, _ = read_volume(path)
    expected = find_brain(voxels).mask
    for name, scale in SCALES.items():
        found = find_brain(scale(voxels.astype(np.float64)).astype(np.float32)).mask
        assert np.array_equal(found, expected), name


@pytest.mark.skipif(not REAL.is_dir(), reason=f"the real patients are not here ({REAL})")
def test_a_real_brain_is_found_whatever_the_scale() -> None:
    check_every_scale(REAL / "brats" / "BraTS2021_00006" / "BraTS2021_00006-t2w.nii.gz")


@pytest.mark.slow
@pytest.mark.parametrize("path", real_files(), ids=lambda path: path.name.removesuffix(".nii.gz"))
def test_every_real_brain_is_found_whatever_the_scale(path: Path) -> None:
    check_every_scale(path)
