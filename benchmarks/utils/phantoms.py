"""Synthetic patients for benchmarks."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from data_modules.phantom.dataset import write_phantom


def phantom(folder: Path, cases: int, depth: int) -> Path:
    """Write synthetic patients, unless they exist already, and return their folder."""
    root = folder / f"phantom-{cases}-{depth}"
    write_phantom(root, cases, depth, seed=0)
    return root


def link_many(
    cases: Sequence[Path],
    root: Path,
    scans: int,
    *,
    copy: bool = False,
    only: Sequence[str] = ("",),
) -> None:
    """Put a few cases under many names: to draw a phantom takes a second.

    Args:
        cases: folders of cases.
        root: the data set to make, on the same disk.
        scans: how many cases it is to have.
        copy: whether to copy the files, so that the system's file cache holds each.
        only: the ends of the names of the files to take, without .nii.gz; by default all.
    """
    put = shutil.copyfile if copy else os.link
    ends = tuple(f"{end}.nii.gz" if end else "" for end in only)
    for number in range(scans):
        case, name = cases[number % len(cases)], f"BraTS-GLI-{number:05d}-000"
        (root / name).mkdir(parents=True)
        for file in case.iterdir():
            if file.name.endswith(ends):
                put(file, root / name / file.name.replace(case.name, name))
