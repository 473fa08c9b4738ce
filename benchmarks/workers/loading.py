"""Load batches in one way, as fast as possible: ``python -m benchmarks.workers.loading``."""

import argparse
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from time import process_time
from typing import Any

from benchmarks.utils.measuring import print_figures
from benchmarks.utils.memory import process_mebibytes, release_freed_memory
from data_modules.utils.malloc import keep_freed_memory

SLICES, EVAL_SLICES = list(range(4, 12)), [8]
SPLIT_SIZES = (64, 1, 1)  # 512 training images
BATCH = 32
IMAGES = 8192  # loaded in the timed part, at least
Loader = Callable[[], Iterable[Any]]


def _ours(data: Path, folder: Path) -> Loader:
    keep_freed_memory()  # as every `fit` does
    loader: Loader = _data_module(data, folder).train_dataloader
    return loader


def _monai(data: Path, folder: Path) -> Loader:
    """MONAI at its best: without copies, metadata or transforms: plain tensors in memory."""
    import torch
    from monai.data import CacheDataset, DataLoader

    keep_freed_memory()
    items = [
        {"image": torch.from_numpy(image), "label": torch.from_numpy(label)}
        for image, label in _arrays(data, folder)
    ]
    cached = CacheDataset(items, transform=[], progress=False, copy_cache=False)
    return lambda: DataLoader(cached, batch_size=BATCH, shuffle=True)


def _copy(data: Path, folder: Path) -> Loader:
    """Whole batches, ready in memory, only copied into one buffer: the most that could be reached.

    The buffer is used again for each batch, which no loader can do whose batches are kept.
    """
    import torch

    batches = list(_data_module(data, folder).train_dataloader())
    half = [batch["image"].half() for batch in batches]
    image, labels = torch.empty_like(batches[0]["image"]), torch.empty_like(batches[0]["labels"])
    return lambda: (
        {"image": image.copy_(source), "labels": labels.copy_(batch["labels"])}
        for source, batch in zip(half, batches, strict=True)
    )


VARIANTS = {"ours": _ours, "monai": _monai, "copy": _copy}


def _data_module(data: Path, folder: Path) -> Any:
    from data_modules.brats import BraTSDataModule

    module = BraTSDataModule(
        root=data, cache_dir=folder / "cache", modalities=["t2f"], slices=SLICES,
        eval_slices=EVAL_SLICES, split_sizes=SPLIT_SIZES, batch_size=BATCH,
    )  # fmt: skip
    module.prepare_data()
    module.setup("fit")
    return module


def _arrays(data: Path, folder: Path) -> list[tuple[Any, Any]]:
    """Image float32 (1, H, W) and mask uint8 (1, H, W) of each slice, each a separate array."""
    batches = list(_data_module(data, folder).train_dataloader())
    return [
        (image.numpy().copy(), label.numpy()[None].copy())
        for batch in batches
        for image, label in zip(batch["image"], batch["labels"], strict=True)
    ]


def measure(variant: str, data: Path, folder: Path) -> dict[str, float]:
    """CPU seconds per thousand images, and the private memory that the data take."""
    import torch

    import_module("data_modules.brats")  # the memory of libraries is not that of the data
    if variant == "monai":
        import_module("monai.data")
    torch.set_num_threads(1)
    before = process_mebibytes()
    loader = VARIANTS[variant](data, folder)
    for _ in range(2):  # the memory of the batches still grows in the second epoch
        for _ in loader():
            pass
    images, start = 0, process_time()
    while images < IMAGES:
        images += sum(len(batch["image"]) for batch in loader())
    seconds = (process_time() - start) / images * 1000
    release_freed_memory()  # of the batches: what remains belongs to the data
    return {"seconds": seconds, "mebibytes": process_mebibytes() - before}


def main() -> None:
    """Measure the variant and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("variant", choices=VARIANTS)
    parser.add_argument("data", type=Path)
    parser.add_argument("folder", type=Path, help="holds the slice cache")
    options = parser.parse_args()
    print_figures(**measure(options.variant, options.data, options.folder))


if __name__ == "__main__":
    main()
