"""A training loop without Lightning: ``python -m benchmarks.workers.plain_loop``."""

import argparse
from pathlib import Path
from statistics import median
from time import process_time

import torch

from benchmarks.utils.measuring import print_figures
from data_modules.brats import BraTSDataModule
from data_modules.utils.malloc import keep_freed_memory
from lightning_app.losses import DiceCrossEntropy
from models import AttentionUNetASPP

SLICES = [7, 8, 9]
SPLIT_SIZES = (32, 8, 8)
BATCH, EPOCHS = 4, 3


def train(root: Path, cache: Path, widths: list[int]) -> float:
    """Train a network and return the CPU seconds of a step, without the first epoch."""
    keep_freed_memory()
    data = BraTSDataModule(
        root=root, cache_dir=cache, modalities=["t2f"], slices=SLICES,
        split_sizes=SPLIT_SIZES, batch_size=BATCH,
    )  # fmt: skip
    data.prepare_data()
    data.setup("fit")
    network, loss = AttentionUNetASPP(widths=widths), DiceCrossEntropy()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    loader, seconds = data.train_dataloader(), []
    for _ in range(EPOCHS):
        start = process_time()
        for batch in loader:
            optimizer.zero_grad()
            loss(network(batch["image"]), data.target.encode(batch["labels"])).backward()
            optimizer.step()
        seconds.append((process_time() - start) / len(loader))
    return median(seconds[1:])


def main() -> None:
    """Train and print the CPU seconds of a step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("cache", type=Path)
    parser.add_argument("widths", type=int, nargs=5)
    options = parser.parse_args()
    print_figures(step=train(options.root, options.cache, options.widths))


if __name__ == "__main__":
    main()
