"""What the timing callback costs: the time in its hooks, as a share of a step.

    python -m benchmarks.profiling.timing_cost --width 16 --batch_size 8

Trains the ASPP network on random slices of 240 x 240, on a GPU if there is one.
"""

import argparse
from collections.abc import Callable
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from callbacks.timing.data_wait import FetchWatch
from callbacks.timing.timing import Timing
from models import AttentionUNetASPP

HOOKS = ("on_train_batch_start", "on_train_batch_end", "on_train_epoch_end")


class Cost:
    """Adds up the seconds spent in functions."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def counted(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a function so that its time is counted."""

        def call(*arguments: Any) -> None:
            start = perf_counter()
            function(*arguments)
            self.seconds += perf_counter() - start

        return call


class Segmentation(LightningModule):
    """The largest network with a loss."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.network = AttentionUNetASPP(widths=[width * 2**level for level in range(5)])

    def training_step(self, batch: list[Tensor]) -> Tensor:
        """The loss of a batch."""
        image, mask = batch
        return torch.nn.functional.binary_cross_entropy_with_logits(self.network(image), mask)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The paper's Adam."""
        return torch.optim.Adam(self.parameters(), lr=1e-3)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--width", type=int, default=16, help="channels of the top level")
    parser.add_argument("--batch_size", type=int, default=8)
    parser.add_argument("--batches", type=int, default=20)
    options = parser.parse_args()
    slices = torch.randn(options.batches * options.batch_size, 1, 240, 240)
    loader = DataLoader(TensorDataset(slices, (slices > 1).float()), options.batch_size)
    timing, cost = Timing(warmup_batches=2), Cost()
    for name in HOOKS:
        setattr(timing, name, cost.counted(getattr(timing, name)))
    for name in ("start", "stop"):
        setattr(FetchWatch, name, cost.counted(getattr(FetchWatch, name)))
    with TemporaryDirectory() as folder:
        trainer = Trainer(
            max_epochs=1, logger=False, callbacks=[timing], enable_checkpointing=False,
            default_root_dir=folder, log_every_n_steps=1,
        )  # fmt: skip
        trainer.fit(Segmentation(options.width), loader)
    (epoch,) = timing.epochs
    step = (epoch.training - epoch.device_idle) / (options.batches - 2)
    hooks = cost.seconds / options.batches
    print(f"step {1e3 * step:.2f} ms, hooks {1e6 * hooks:.0f} us a step: {hooks / step:.3%}")


if __name__ == "__main__":
    main()
