"""What there is to say of data that are ready: a few lines for whoever prepared them."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from data_modules.brats import BraTSDataModule
from data_modules.catalog.splits import SPLITS

SIZES_NAMED = 5


def overview(data: BraTSDataModule) -> list[str]:
    """Cases, patients, sides, share of the target, sizes, spacings and intensities."""
    return [
        f"Data: {data.kind}; {data.summary()}",
        *(f"{side:>5}: {_target(data, side)}" for side in SPLITS),
        *_grids(data),
        *_intensities(data),
    ]


def _target(data: BraTSDataModule, side: str) -> str:
    dataset = data.datasets[side]
    pixels = dataset.target_pixels(data.target.foreground)
    cases = len(np.unique(dataset.case_index[pixels > 0]))
    share = pixels.sum() / (len(pixels) * np.prod(data.cache.size))
    return (
        f"target in {cases} of {len(dataset.cases)} cases, in {np.count_nonzero(pixels)} of "
        f"{len(pixels)} slices, in {100 * share:.2f} % of their pixels"
    )


def _grids(data: BraTSDataModule) -> list[str]:
    *_, labels = data.arrays["train"]
    used = [case.id for side in SPLITS for case in data.sides[side]]
    height, width = data.cache.size
    counts = Counter(labels.sizes[case][:2] for case in used).most_common()
    in_plane = ", ".join(f"{x} x {y} ({count})" for (x, y), count in counts[:SIZES_NAMED])
    more = f" and {len(counts) - SIZES_NAMED} more" if len(counts) > SIZES_NAMED else ""
    depths = _range([labels.sizes[case][2] for case in used])
    spacings = zip(*(labels.spacings[case] for case in used), strict=True)
    return [
        f"Slices (cases): {in_plane}{more}; the network gets them as {height} x {width}",
        f"Slices a case: {depths}",
        f"Spacing along x, y, z: {', '.join(_range(axis) for axis in spacings)} mm",
    ]


def _intensities(data: BraTSDataModule) -> list[str]:
    *images, _ = data.arrays["train"]
    used = [case.id for side in SPLITS for case in data.sides[side]]
    lines = []
    for modality, array in zip(data.modalities, images, strict=True):
        lowest, mean, highest = zip(*(array.intensities[case] for case in used), strict=True)
        lines.append(
            f"Intensities of {modality} in the brain, before normalisation: "
            f"lowest {_range(lowest)}, mean {_range(mean)}, highest {_range(highest)}"
        )
    return lines


def _range(values: Sequence[float]) -> str:
    """One number, or the smallest and the largest of several."""
    low, high = (f"{end(values):.4g}" for end in (min, max))
    return low if low == high else f"{low} to {high}"
