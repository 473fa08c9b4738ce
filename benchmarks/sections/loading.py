"""Loading: images a second from a warm cache to the training step, beside MONAI's CacheDataset.

python -m benchmarks.sections.loading
"""

import argparse
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.utils.measuring import Row, bound_row, in_turns, measured_apart, ratio_row, show
from benchmarks.utils.memory import give_back_freed_memory, own_mebibytes
from benchmarks.utils.trainings import fit, phantom
from data_modules.utils.malloc import keep_freed_memory

SCANS, DEPTH, BATCH = 66, 17, 32
SLICES = list(range(4, 12))
SPLIT = (64, 1, 1)  # 512 images to train on
IMAGES, TURNS = 8192, 5  # in a turn, at least
INSTALLED, BEST, COPY = "monai", "monai_best", "copy"
EQUAL = (
    "512 images (MONAI's defaults: 64) of 240 x 240 with masks, shuffled batches of 32, float32 "
    "images, no worker processes, one thread, warm cache; seconds a thousand images"
)
Loader = Callable[[], Iterable[Any]]


def measure() -> list[Row]:
    """Speed and private memory of four ways to the same batches; the waiting in a training."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        data = phantom(folder, SCANS, DEPTH)
        measured_apart(
            "benchmarks.sections.loading", "ours", str(data), str(folder)
        )  # fills the cache
        sides = {way: _Side(way, data, folder) for way in WAYS}
        seconds = dict(zip(sides, in_turns(*sides.values(), turns=TURNS, warm_ups=0), strict=True))
        held = {way: max(side.mebibytes) for way, side in sides.items()}
        return [*_speeds(seconds), _memory(held), _waiting(folder, data)]


class _Side:
    """A way to load, in a process of its own."""

    def __init__(self, way: str, data: Path, folder: Path) -> None:
        self._arguments = (way, str(data), str(folder))
        self.mebibytes: list[float] = []

    def __call__(self) -> float:
        found = measured_apart("benchmarks.sections.loading", *self._arguments)
        self.mebibytes.append(found["mebibytes"])
        return found["seconds"]


def _speeds(seconds: dict[str, list[float]]) -> list[Row]:
    ours = seconds["ours"]
    best = "against CacheDataset at its best: no copy, plain tensors"
    rows = [
        ratio_row("against MONAI's CacheDataset with its defaults", seconds[INSTALLED], ours,
                  goal=12, equal=EQUAL),
        ratio_row(best, seconds[BEST], ours, goal=2.5, equal=EQUAL),
        ratio_row("against a plain copy of the same bytes from memory (float16 to float32)",
                  seconds[COPY], ours, goal=None, equal=EQUAL),
    ]  # fmt: skip
    speed = f"{1000 / min(ours):.0f} images a second"
    return [*rows, Row("ours, fastest turn", speed, equal=EQUAL)]


def _memory(held: dict[str, float]) -> Row:
    what = (
        f"private memory (RssAnon) that 512 images hold: ours {held['ours']:.1f} MiB, CacheDataset "
        f"at its best {held[BEST]:.0f}; our share of that"
    )
    return bound_row(what, 100 * held["ours"] / held[BEST], "%", at_most=10, equal=EQUAL)


def _waiting(folder: Path, data: Path) -> Row:
    run = fit(
        folder, data, "--config", "unet_t2f.yaml", "--config", "quick.yaml", "--data.slices",
        str(SLICES), "--data.split_sizes", str(list(SPLIT)), "--trainer.max_epochs", "2",
        "--trainer.logger", "false", "--data.eval_slices", "[8]",
    )  # fmt: skip
    whole = json.loads(run.timing.read_text())["run"]
    share = 100 * whole["data_wait_seconds"] / whole["training_seconds"]
    equal = "unet_t2f with quick.yaml: the smallest network, so the largest share"
    return bound_row("waiting for data in a training", share, "%", at_most=2, equal=equal)


def _ours(data: Path, folder: Path) -> Loader:
    keep_freed_memory()  # as every `fit` does
    loader: Loader = _module(data, folder).train_dataloader
    return loader


def _monai(data: Path, folder: Path) -> Loader:
    """The chain of its tutorials, an item a slice, everything cached, the loader's defaults."""
    from monai import transforms
    from monai.data import CacheDataset, DataLoader

    keys = ("image", "label")
    chain = [
        transforms.LoadImaged(keys=keys),
        transforms.EnsureChannelFirstd(keys=keys),
        transforms.NormalizeIntensityd(keys="image", nonzero=True, channel_wise=True),
        transforms.Lambdad(keys=keys, func=lambda volume: volume[..., SLICES[0]]),
    ]
    files = [
        {
            "image": str(case / f"{case.name}-t2f.nii.gz"),
            "label": str(case / f"{case.name}-seg.nii.gz"),
        }
        for case in sorted(data.glob("BraTS*"))[: SPLIT[0]]
    ]
    cached = CacheDataset(files, chain, progress=False)
    return lambda: DataLoader(cached, batch_size=BATCH, shuffle=True)


def _monai_best(data: Path, folder: Path) -> Loader:
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
    import torch

    keep_freed_memory()
    dataset = _module(data, folder).datasets["train"]
    batches = [list(range(i, i + BATCH)) for i in range(0, len(dataset), BATCH)]
    half = [dataset.gather(indices)["image"].numpy().astype(np.float16) for indices in batches]
    masks = [dataset.gather(indices)["labels"].numpy() for indices in batches]
    return lambda: (
        {"image": torch.from_numpy(image).float(), "labels": mask.copy()}
        for image, mask in zip(half, masks, strict=True)
    )


WAYS = {"ours": _ours, INSTALLED: _monai, BEST: _monai_best, COPY: _copy}


def _module(data: Path, folder: Path) -> Any:
    from data_modules.brats import BraTSDataModule

    module = BraTSDataModule(
        root=data, cache_dir=folder / "cache", modalities=["t2f"], slices=SLICES, eval_slices=[8],
        split_sizes=SPLIT, batch_size=BATCH,
    )  # fmt: skip
    module.prepare_data()
    module.setup("fit")
    return module


def _arrays(data: Path, folder: Path) -> list[tuple[Any, Any]]:
    """Image float32 (1, H, W) and mask uint8 (1, H, W) of each slice, every one its own array."""
    batches = list(_module(data, folder).train_dataloader())
    return [
        (image.numpy().copy(), label.numpy()[None].copy())
        for batch in batches
        for image, label in zip(batch["image"], batch["labels"], strict=True)
    ]


def _run(way: str, data: Path, folder: Path) -> dict[str, float]:
    """Seconds a thousand images, and the private memory that came with the data."""
    import torch

    import data_modules.brats  # noqa: F401 (as well)

    torch.set_num_threads(1)
    before = own_mebibytes()
    loader = WAYS[way](data, folder)
    for _ in range(2):  # in the second the batches' memory still grows
        for _ in loader():
            pass
    images, began = 0, perf_counter()
    while images < IMAGES:
        images += sum(len(batch["image"]) for batch in loader())
    seconds = (perf_counter() - began) / images * 1000
    give_back_freed_memory()  # of batches: what stays is held by the data
    return {"seconds": seconds, "mebibytes": own_mebibytes() - before}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("way", nargs="?", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("places", nargs="*", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        print(json.dumps(_run(options.way, *options.places)))
    else:
        show(measure())


if __name__ == "__main__":
    main()
