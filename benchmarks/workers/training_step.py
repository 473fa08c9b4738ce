"""Time a training step of one variant: ``python -m benchmarks.workers.training_step``."""

import argparse
import statistics
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from tempfile import TemporaryDirectory
from time import process_time
from typing import cast

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor, nn
from torch.nn.utils import convert_conv2d_weight_memory_format
from torch.utils.data import DataLoader, Dataset

from benchmarks.utils.measuring import print_figures
from benchmarks.utils.networks import widths_from
from benchmarks.utils.precision import PRECISION, autocast
from callbacks.acceleration import Acceleration
from callbacks.nan_guard import FiniteLoss
from callbacks.timing.timing import Timing
from data_modules.batch_dataset import Batch
from data_modules.utils.malloc import keep_freed_memory
from lightning_app.losses import DiceCrossEntropy
from lightning_app.task import SegmentationTask
from models import AttentionUNet

BATCH_SIZES = {"16": 32, "32": 4}  # by the width of the top level
WARM_UPS, STEPS = 2, 3  # memory still grows in the second step
Step = Callable[[Tensor, Tensor], None]


def random_slices(count: int) -> tuple[Tensor, Tensor]:
    """Random images (N, 1, H, W) and labels uint8 (N, H, W), with a disc as tumour."""
    images = torch.randn(count, 1, 240, 240, generator=torch.Generator().manual_seed(0))
    axis = torch.arange(240) - 120
    disc = (axis[:, None] ** 2 + axis**2 < 30**2).to(torch.uint8)
    return images + disc, disc.repeat(count, 1, 1)


class _StepTimes(Callback):
    """CPU times from the end of a step to the end of the next, everything between them included."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: object) -> None:
        self.ends.append(process_time())


class _AdamTask(SegmentationTask):
    """Ours, with the optimiser of base.yaml."""

    def __init__(self, width: int) -> None:
        super().__init__(AttentionUNet(widths=widths_from(width)), DiceCrossEntropy())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=1e-3)


def _ours(width: int, batch_size: int, *, optimise: bool) -> float:
    """Through the Trainer, with those callbacks of a run that watch every step."""
    keep_freed_memory()
    images, labels = random_slices(batch_size)
    sample = torch.arange(batch_size)
    batches: list[Batch] = [
        {"image": images, "labels": labels, "sample": sample} for _ in range(WARM_UPS + STEPS)
    ]
    loader = DataLoader(cast("Dataset[Batch]", batches), batch_size=None)
    times = _StepTimes()
    with TemporaryDirectory() as folder:
        trainer = Trainer(
            accelerator="cpu", max_epochs=1, logger=False, enable_checkpointing=False,
            enable_model_summary=False, enable_progress_bar=False, default_root_dir=folder,
            precision=PRECISION if optimise else "32-true",
            callbacks=[Acceleration(channels_last=optimise), FiniteLoss(), Timing(), times],
        )  # fmt: skip
        trainer.fit(_AdamTask(width), loader)
    ends = times.ends[WARM_UPS - 1 :]
    return statistics.median(end - start for start, end in pairwise(ends))


def _bare(network: nn.Module, loss: nn.Module, batch_size: int) -> float:
    images, labels = random_slices(batch_size)
    step = bare_step(network, loss)
    target = labels[:, None].float()
    for _ in range(WARM_UPS):
        step(images, target)
    seconds = []
    for _ in range(STEPS):
        start = process_time()
        step(images, target)
        seconds.append(process_time() - start)
    return statistics.median(seconds)


def bare_step(network: nn.Module, loss: nn.Module) -> Step:
    """A function of images and target that runs network, loss and Adam.

    It uses the precision, channels_last and kept memory, as cpu.yaml does.

    Args:
        network: maps images (N, 1, H, W) to logits of the same shape.
        loss: of logits and a target.
    """
    keep_freed_memory()
    convert_conv2d_weight_memory_format(network, torch.channels_last)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)

    def step(images: Tensor, target: Tensor) -> None:
        optimiser.zero_grad()
        with autocast():
            value = loss(network(images), target)
        value.backward()
        optimiser.step()

    return step


def _ours_bare(width: int, batch_size: int) -> float:
    network = AttentionUNet(widths=widths_from(width))
    return _bare(network, DiceCrossEntropy(), batch_size)


def _monai(width: int, batch_size: int) -> float:
    from monai.losses.dice import DiceCELoss
    from monai.networks.nets.attentionunet import AttentionUnet

    network = AttentionUnet(2, 1, 1, widths_from(width), [2] * 4)
    return _bare(network, DiceCELoss(sigmoid=True), batch_size)


VARIANTS: dict[str, Callable[[int, int], float]] = {
    "ours": partial(_ours, optimise=True),
    "ours_bare": _ours_bare,
    "monai": _monai,
    "ours_plain": partial(_ours, optimise=False),
}


def main() -> None:
    """Time the variant and print the median CPU seconds of a step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("variant", choices=VARIANTS)
    parser.add_argument("width", choices=BATCH_SIZES, help="channels of the top level")
    options = parser.parse_args()
    torch.manual_seed(0)
    seconds = VARIANTS[options.variant](int(options.width), BATCH_SIZES[options.width])
    print_figures(seconds=seconds)


if __name__ == "__main__":
    main()
