"""Data modules on toy data, for the tests."""

from pathlib import Path
from typing import Any

import torch

from data_modules.batch_dataset import Batch
from data_modules.brats import BraTSDataModule
from data_modules.catalog.splits import SPLITS


def module(root: Path, cache: Path, **options: Any) -> BraTSDataModule:
    return BraTSDataModule(root=root, cache_dir=cache, **{"image_size": (40, 40), **options})


def ready(root: Path, cache: Path, **options: Any) -> BraTSDataModule:
    one = module(root, cache, **options)
    one.prepare_data()
    one.setup("fit")
    return one


def file_of(root: Path, number: int, what: str) -> Path:
    case = f"BraTS-GLI-{number:05d}-000"
    return root / case / f"{case}-{what}.nii.gz"


def ids(one: BraTSDataModule, side: str) -> list[str]:
    return [case.id for case in one.splits[side]]


def number_of(case: str) -> int:
    return int(case.split("-")[2])


def check_same_batches(ones: list[Batch], others: list[Batch]) -> None:
    assert len(ones) == len(others)
    for one, other in zip(ones, others, strict=True):
        assert set(one) == set(other)
        assert all(torch.equal(one[key], other[key]) for key in one)


def split_file(path: Path, train: list[int], val: list[int], test: list[int]) -> Path:
    rows = [
        f"BraTS-GLI-{number:05d}-000,{side}"
        for side, numbers in zip(SPLITS, (train, val, test), strict=True)
        for number in numbers
    ]
    path.write_text("\n".join(["case,side", *rows]))
    return path
