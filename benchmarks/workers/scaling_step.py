"""One step of the scaling benchmark: an epoch of training, or a test."""

import argparse
from pathlib import Path

import torch
from lightning.pytorch import Trainer
from torch import Tensor, nn

from benchmarks.utils.measuring import cpu_so_far, print_figures
from benchmarks.utils.memory import PeakMemory
from data_modules.brats import BraTSDataModule
from lightning_app.task import SegmentationTask


class Scale(nn.Module):
    """The smallest network possible: one weight. It marks nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, image: Tensor) -> Tensor:
        """Logits far below 0: an image has values of a few units."""
        return image * self.weight - 100


class MeanDifference(nn.Module):
    """The cheapest loss."""

    def forward(self, logits: Tensor, mask: Tensor) -> Tensor:
        """The distance between the means of logits and mask."""
        return (logits.mean() - mask.mean()).abs()


class SmallestTask(SegmentationTask):
    """Leaves only the cost of the data and of Lightning in an epoch."""

    def __init__(self) -> None:
        super().__init__(Scale(), MeanDifference())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """SGD, which keeps no state."""
        return torch.optim.SGD(self.parameters(), lr=0.1)


def main() -> None:
    """Run the step, and print its CPU seconds, slices and peak memory."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("step", choices=["epoch", "test"])
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    options = parser.parse_args()
    data = BraTSDataModule(
        root=options.root, slices="all", split_sizes=(0.5, 0.1, 0.4), cache_dir=options.cache
    )
    trainer = Trainer(
        max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, limit_val_batches=0,
        use_distributed_sampler=False,
    )  # fmt: skip
    task = SmallestTask()
    start = cpu_so_far()
    with PeakMemory() as peak:
        if options.step == "epoch":
            trainer.fit(task, data)
        else:
            trainer.test(task, data, verbose=False)
    seconds = cpu_so_far() - start
    slices = len(data.datasets["train" if options.step == "epoch" else "test"])
    print_figures(cpu=seconds, mebibytes=peak.mebibytes, slices=slices)


if __name__ == "__main__":
    main()
