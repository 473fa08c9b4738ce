"""Synthetic patients for benchmarks."""

import os
from collections.abc import Sequence
from pathlib import Path

from data_modules.phantom.dataset import write_phantom


def phantom(folder: Path, cases: int, depth: int) -> Path:
    """Write synthetic patients, unless they exist already, and return their folder."""
    root = folder / f"phantom-{cases}-{depth}"
    write_phantom(root, cases, depth, seed=0)
    return root


def link_many(cases: Sequence[Path], root: Path, scans: int) -> None:
    """Link a few cases under many names: to draw a phantom takes a second.

    Args:
        cases: folders of cases.
        root: the data set to make, on the same disk.
        scans: how many cases it is to have.
    """
    for number in range(scans):
        case, name = cases[number % len(cases)], f"BraTS-GLI-{number:05d}-000"
        (root / name).mkdir(parents=True)
        for file in case.iterdir():
            os.link(file, root / name / file.name.replace(case.name, name))
