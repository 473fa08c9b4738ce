"""What loaded data are: in lines for the user, and as records of a run."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from data_modules.brats import BraTSDataModule
from data_modules.cache.array_index import FORMAT
from data_modules.cache.stored_arrays import ARRAYS_KEY
from data_modules.catalog.splits import SPLITS
from data_modules.utils.hashing import short_hash
from data_modules.utils.problems import by
from data_modules.utils.words import counted, number_range

SIZES_SHOWN = 5


def summary(data: BraTSDataModule) -> str:
    """One line: cases, patients, releases, and what each split has."""
    cases = [case for split in SPLITS for case in data.splits[split]]
    releases = ", ".join(sorted({case.release.name for case in cases}))
    patients = counted(len({case.patient for case in cases}), "patient")
    cases_by_split = " / ".join(str(len(data.splits[split])) for split in SPLITS)
    slices_by_split = " / ".join(str(data.datasets[split].counted) for split in SPLITS)
    return (
        f"{counted(len(cases), 'case')} of {patients} ({releases}); {' / '.join(SPLITS)}: "
        f"{cases_by_split} cases, {slices_by_split} slices"
    )


def split_rows(data: BraTSDataModule) -> list[tuple[str, str, str]]:
    """Case, patient and split of every case that is used, sorted by case."""
    return sorted((case.id, case.patient, split) for split in SPLITS for case in data.splits[split])


def cases_of_batch(data: BraTSDataModule, epoch: int, batch: int) -> list[str]:
    """The cases in a training batch, sorted."""
    dataset = data.datasets["train"]
    indices = data.epoch_batches().batches(epoch)[batch]
    return sorted({dataset.cases[dataset.case_index[index]].id for index in indices})


def description(data: BraTSDataModule) -> dict[str, Any]:
    """What a run or a test records of its data; JSON types only."""
    rows = "\n".join(",".join(row) for row in split_rows(data))
    return {
        "kind": data.source.kind,
        "phantom_seed": data.source.seed,
        "root": None if data.root is None else str(data.root),
        "fingerprint": data.fingerprint,
        "eval_fingerprint": short_hash(" ".join(array.digest for array in data.arrays["eval"])),
        "split": short_hash(rows),
        "modalities": list(data.modalities),
        "target": data.target.name,
        "slices": data.choices["train"],
        "eval_slices": data.choices["eval"],
        "window": data.window.size,
        "slices_format": FORMAT,
        "spacing": data.spacing,
        ARRAYS_KEY: sorted({array.name for arrays in data.arrays.values() for array in arrays}),
        "left_out": data.left_out,
    }


def overview(data: BraTSDataModule) -> list[str]:
    """Cases, patients, splits, share of the target, sizes, spacings and intensities."""
    return [
        f"Data: {data.source.in_words}; {summary(data)}",
        *(f"{split:>5}: {_target(data, split)}" for split in SPLITS if data.splits[split]),
        *_grids(data),
        *_intensities(data),
    ]


def _target(data: BraTSDataModule, split: str) -> str:
    dataset = data.datasets[split]
    pixels = dataset.target_pixels(data.target.foreground)
    cases = len(np.unique(dataset.case_index[pixels > 0]))
    share = pixels.sum() / (dataset.counted * np.prod(data.cache.size))
    return (
        f"target in {cases} of {counted(len(dataset.cases), 'case')}, in "
        f"{np.count_nonzero(pixels)} of {counted(dataset.counted, 'slice')}, in "
        f"{100 * share:.2f} % of their pixels"
    )


def _grids(data: BraTSDataModule) -> list[str]:
    *_, labels = data.arrays["train"]
    used = [case.id for split in SPLITS for case in data.splits[split]]
    network_size = by(data.window.input_size)
    if data.window.size is not None:
        network_size += ", cut out around the brain"
    counts = Counter(labels.sizes[case][:2] for case in used).most_common()
    in_plane = ", ".join(f"{x} x {y} ({count})" for (x, y), count in counts[:SIZES_SHOWN])
    more = f" and {len(counts) - SIZES_SHOWN} more" if len(counts) > SIZES_SHOWN else ""
    depths = _range([labels.sizes[case][2] for case in used])
    spacings = zip(*(labels.spacings[case] for case in used), strict=True)
    return [
        f"Slices (cases): {in_plane}{more}; the network gets them as {network_size}",
        f"Slices per case: {depths}",
        f"Spacing along x, y, z: {', '.join(_range(axis) for axis in spacings)} mm",
    ]


def _intensities(data: BraTSDataModule) -> list[str]:
    *images, _ = data.arrays["train"]
    used = [case.id for split in SPLITS for case in data.splits[split]]
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
    return number_range(f"{min(values):.4g}", f"{max(values):.4g}")
