"""Training an Attention U-Net on a CPU, beside MONAI's, and where the time of a step goes.

    python -m benchmarks.sections.training_cpu

Every side is a process of its own, which trains on random slices of 240 x 240 and says the median
seconds of a step. MONAI's network is trained in a plain loop, as its users write it.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from tempfile import TemporaryDirectory
from time import perf_counter

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor, nn
from torch.utils.data import DataLoader

from benchmarks.profiling.step_profile import profile_rows
from benchmarks.utils.measuring import Row, in_turns, measured_apart, ratio_row, show
from callbacks.acceleration import Acceleration
from callbacks.nan_guard import FiniteLoss
from callbacks.timing.timing import Timing
from data_modules.batch_dataset import Batch
from data_modules.utils.malloc import keep_freed_memory
from lightning_app.losses import DiceCrossEntropy
from lightning_app.task import SegmentationTask
from models import AttentionUNet

SIZES = {"16": 32, "32": 4}  # width of the top level: images a batch
GOALS = {"16": (4.0, 1.25), "32": (None, None)}
WARM_UPS, STEPS, TURNS = 2, 3, 2  # in the second step memory still grows
Step = Callable[[Tensor, Tensor], None]


def measure() -> list[Row]:
    """Ours as a user trains it and in a bare loop, MONAI as installed and with every lever."""
    rows = []
    for width, (installed, levers) in GOALS.items():
        seconds = dict(zip(SIDES, in_turns(*(_side(s, width) for s in SIDES), turns=TURNS,
                                           warm_ups=0), strict=True))  # fmt: skip
        equal = (
            f"widths {width} to {16 * int(width)}, batches of {SIZES[width]} at 240 x 240, "
            f"{torch.get_num_threads()} threads"
        )
        same = f"{equal}, bfloat16, channels_last, allocator"
        best = seconds["monai_levers"]
        rows += [
            ratio_row("A step with cpu.yaml through the Trainer, against MONAI's network as "
                      "installed", seconds["monai"], seconds["ours"], goal=installed, equal=equal),
            ratio_row("The same, against MONAI's with every lever", best,
                      seconds["ours"], goal=levers, equal=same),
            ratio_row("A bare step (network, loss, Adam), against MONAI's with every lever", best,
                      seconds["ours_bare"], goal=None, equal=same),
            ratio_row("cpu.yaml, against ours without it", seconds["ours_plain"], seconds["ours"],
                      goal=None, equal=equal),
        ]  # fmt: skip
    return [*rows, *profile_rows()]


def _side(name: str, width: str) -> Callable[[], float]:
    return lambda: measured_apart("benchmarks.sections.training_cpu", name, width)["seconds"]


def widths_from(top: int) -> list[int]:
    """Five widths, each twice the one above."""
    return [top * 2**level for level in range(5)]


def slices(count: int) -> tuple[Tensor, Tensor]:
    """Random images (N, 1, H, W) and labels uint8 (N, H, W) with a disc of tumour."""
    images = torch.randn(count, 1, 240, 240, generator=torch.Generator().manual_seed(0))
    axis = torch.arange(240) - 120
    disc = (axis[:, None] ** 2 + axis**2 < 30**2).to(torch.uint8)
    return images + disc, disc.repeat(count, 1, 1)


class _StepTimes(Callback):
    """From the end of a step to the end of the next, so with all that lies between them."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: object) -> None:
        """A step has ended."""
        self.ends.append(perf_counter())


def _ours(width: int, batch: int, *, levers: bool) -> float:
    """Through the Trainer, with the callbacks of a run that watch every step."""
    keep_freed_memory()
    images, labels = slices(batch)
    sample = torch.arange(batch)
    batches: list[Batch] = [
        {"image": images, "labels": labels, "sample": sample} for _ in range(WARM_UPS + STEPS)
    ]
    times = _StepTimes()
    with TemporaryDirectory() as folder:
        trainer = Trainer(
            accelerator="cpu", max_epochs=1, logger=False, enable_checkpointing=False,
            enable_model_summary=False, enable_progress_bar=False, default_root_dir=folder,
            precision="bf16-mixed" if levers else "32-true",
            callbacks=[Acceleration(channels_last=levers), FiniteLoss(), Timing(), times],
        )  # fmt: skip
        trainer.fit(_Task(width), DataLoader(batches, batch_size=None))  # type: ignore[arg-type]
    ends = times.ends[WARM_UPS - 1 :]
    return statistics.median(two - one for one, two in pairwise(ends))


class _Task(SegmentationTask):
    """Ours, with an optimiser, which else a config names."""

    def __init__(self, width: int) -> None:
        super().__init__(AttentionUNet(widths=widths_from(width)), DiceCrossEntropy())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """base.yaml's."""
        return torch.optim.Adam(self.parameters(), lr=1e-3)


def _bare(network: nn.Module, loss: nn.Module, batch: int, *, levers: bool) -> float:
    images, labels = slices(batch)
    step = bare_step(network, loss, levers=levers)
    target = labels[:, None].float()
    for _ in range(WARM_UPS):
        step(images, target)
    seconds = []
    for _ in range(STEPS):
        begun = perf_counter()
        step(images, target)
        seconds.append(perf_counter() - begun)
    return statistics.median(seconds)


def bare_step(network: nn.Module, loss: nn.Module, *, levers: bool) -> Step:
    """Network, loss and Adam in a function; with or without every lever of ours."""
    if levers:
        keep_freed_memory()
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)

    def step(images: Tensor, target: Tensor) -> None:
        optimiser.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=levers):
            value = loss(network(images), target)
        value.backward()
        optimiser.step()

    return step


def _our_bare(width: int, batch: int) -> float:
    network = AttentionUNet(widths=widths_from(width))
    return _bare(network, DiceCrossEntropy(), batch, levers=True)


def _monai(width: int, batch: int, *, levers: bool) -> float:
    from monai.losses.dice import DiceCELoss
    from monai.networks.nets.attentionunet import AttentionUnet

    network = AttentionUnet(2, 1, 1, widths_from(width), [2] * 4)
    return _bare(network, DiceCELoss(sigmoid=True), batch, levers=levers)


SIDES: dict[str, Callable[[int, int], float]] = {
    "ours": partial(_ours, levers=True),
    "monai": partial(_monai, levers=False),
    "ours_bare": _our_bare,
    "monai_levers": partial(_monai, levers=True),
    "ours_plain": partial(_ours, levers=False),
}


def main() -> None:
    """Measure and print; with a side and a width, that side's seconds of a step alone."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("side", nargs="?", choices=SIDES)
    parser.add_argument("width", nargs="?", choices=SIZES)
    options = parser.parse_args()
    if options.side is None:
        show(measure())
        return
    torch.manual_seed(0)
    seconds = SIDES[options.side](int(options.width), SIZES[options.width])
    sys.stdout.write("\n" + json.dumps({"seconds": seconds}) + "\n")


if __name__ == "__main__":
    main()
