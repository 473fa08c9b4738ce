"""What the framework costs beside the network: counting scores, hooks, logging.

    python -m benchmarks.sections.overheads

The step is that of quick.yaml, the smallest that anyone would train, so that shares are at their
largest. Milliseconds a step hold for any network; the page says what share they are of a GPU's.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import torch
from lightning.pytorch.profilers import SimpleProfiler
from torch import Tensor
from torchmetrics.segmentation import DiceScore, MeanIoU

from benchmarks.utils.measuring import Row, bound_row, in_turns, measured_apart, ratio_row, show
from benchmarks.utils.trainings import fit, phantom
from data_modules.brats import BraTSDataModule
from data_modules.utils.malloc import keep_freed_memory
from lightning_app.losses import DiceCrossEntropy
from lightning_app.metrics.confusion_counts import SliceCounts
from models import AttentionUNetASPP

IMAGES, BATCH = 126, 32
WIDTHS = {"quick": (8, 16, 32, 64, 128), "tiny": (2, 2, 2, 2, 4)}
CASES, DEPTH, EPOCHS = 48, 17, 3
FEW, MANY = "[7,8,9]", str(list(range(1, 16)))  # 24 steps an epoch; 120, as with 480 images


def measure() -> list[Row]:
    """Counting against torchmetrics, hooks in a training, and a training against a plain loop."""
    with TemporaryDirectory() as folder:
        data = phantom(Path(folder), CASES, DEPTH)
        return [*_counting(), _hooks(Path(folder), data), *_whole_step(Path(folder), data)]


def _counting() -> list[Row]:
    generator = torch.Generator().manual_seed(0)
    truth = torch.rand(IMAGES, 1, 240, 240, generator=generator) > 0.98
    prediction = truth ^ (torch.rand(IMAGES, 1, 240, 240, generator=generator) > 0.99)
    masks = list(zip(torch.split(prediction, BATCH), torch.split(truth, BATCH), strict=True))
    indices = [(one[:, 0].long(), other[:, 0].long()) for one, other in masks]
    samples = torch.split(torch.arange(IMAGES), BATCH)

    def ours() -> Tensor:
        counts = SliceCounts()
        for (predicted, true), sample in zip(masks, samples, strict=True):
            counts.update(predicted, true, sample)
        tp, fp, fn = counts.compute()[:, 1:4].double().T
        return torch.stack([2 * tp.sum() / (2 * tp + fp + fn).sum(), (tp / (tp + fp + fn)).mean()])

    peers = {"class indices": _torchmetrics(indices), "masks": _torchmetrics(masks)}
    for peer in peers.values():
        torch.testing.assert_close(ours(), peer(), rtol=1e-5, atol=0, check_dtype=False)
    *theirs, own = in_turns(*map(_timed, (*peers.values(), ours)), turns=15)
    equal = f"slices of 240 x 240, batches of {BATCH}, {torch.get_num_threads()} threads"
    what = f"scores of {IMAGES} images, against torchmetrics' DiceScore and MeanIoU given"
    return [
        ratio_row(f"{what} {given}, same numbers", seconds, own, goal=25, equal=equal)
        for given, seconds in zip(peers, theirs, strict=True)
    ]


def _torchmetrics(batches: Sequence[tuple[Tensor, Tensor]]) -> Callable[[], Tensor]:
    """Pooled Dice and the mean IoU of slices, of class indices (N, H, W) or masks (N, 1, H, W)."""
    as_indices = batches[0][0].ndim == 3
    classes, form = (2, "index") if as_indices else (1, "one-hot")
    common: dict[str, Any] = {
        "num_classes": classes,
        "include_background": not as_indices,
        "input_format": form,
    }

    def score() -> Tensor:
        dice = DiceScore(average="micro", aggregation_level="global", **common)
        iou = MeanIoU(**common)
        for predicted, true in batches:
            dice.update(predicted, true)
            iou.update(predicted, true)
        return torch.stack([dice.compute(), iou.compute()])

    return score


def _timed(work: Callable[[], object]) -> Callable[[], float]:
    def once() -> float:
        began = perf_counter()
        work()
        return perf_counter() - began

    return once


def _hooks(folder: Path, data: Path) -> Row:
    file = folder / "hooks.json"
    profiler = ["--trainer.profiler.class_path", "benchmarks.sections.overheads.HookTimes"]
    profiler += ["--trainer.profiler.file", str(file), "--trust", "benchmarks"]
    fit(folder, data, *_options("quick", MANY), *profiler)
    times: dict[str, list[float]] = json.loads(file.read_text())
    steps = times["run_training_batch"]
    callbacks = sum(sum(t) for name, t in times.items() if _is_in_epoch(name)) / len(steps)
    share = 100 * callbacks / median(steps)
    what = f"all callbacks within an epoch, {1e3 * callbacks:.2f} ms a step, share of the step"
    return bound_row(what, share, "%", at_most=2, equal=f"quick.yaml, {1e3 * median(steps):.0f} ms")


def _is_in_epoch(action: str) -> bool:
    """Whether a hook belongs to training's steps, or to the validation that ends its epochs."""
    during = ("on_train_batch", "on_train_epoch", "on_before", "on_after", "on_validation")
    return action.startswith("[Callback]") and any(f".{hook}" in action for hook in during)


def _whole_step(folder: Path, data: Path) -> list[Row]:
    rows = []
    for size in WIDTHS:

        def ours(size: str = size) -> float:
            run = fit(folder, data, *_options(size, FEW))
            epochs = json.loads(run.timing.read_text())["by_epoch"][1:]
            return float(median(e["training_seconds"] / (e["images"] / 4) for e in epochs))

        def plain(size: str = size) -> float:
            places = (str(data), str(folder / "cache"), size)
            return measured_apart("benchmarks.sections.overheads", "--plain", *places)["step"]

        floor, own = in_turns(plain, ours, turns=3, warm_ups=0)
        added = 1e3 * median(o - f for o, f in zip(own, floor, strict=True))
        what = f"a step of `fit` against a plain loop's, {size} network: {added:.1f} ms more"
        equal = "network, loss, Adam, loader, allocator, batches of 4, float32; ours also saves"
        rows.append(ratio_row(what, floor, own, goal=None, equal=equal))
    return rows


def _options(size: str, slices: str) -> list[str]:
    options = ["--config", "aspp_t2f.yaml", "--config", "quick.yaml"]
    options += ["--model.network.widths", str(list(WIDTHS[size])), "--data.slices", slices]
    return [*options, "--data.split_sizes", "[32,8,8]", "--trainer.max_epochs", str(EPOCHS)]


def _plain_loop(root: Path, cache: Path, size: str) -> float:
    """Seconds a step of a loop as one would write it without Lightning; of the last epochs."""
    keep_freed_memory()
    data = BraTSDataModule(
        root=root, cache_dir=cache, modalities=["t2f"], slices=json.loads(FEW),
        split_sizes=(32, 8, 8), batch_size=4,
    )  # fmt: skip
    data.prepare_data()
    data.setup("fit")
    network, loss = AttentionUNetASPP(widths=WIDTHS[size]), DiceCrossEntropy()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    loader, epochs = data.train_dataloader(), []
    for _ in range(EPOCHS):
        began = perf_counter()
        for batch in loader:
            optimizer.zero_grad()
            loss(network(batch["image"]), data.target.encode(batch["labels"])).backward()
            optimizer.step()
        epochs.append((perf_counter() - began) / len(loader))
    return median(epochs[1:])


class HookTimes(SimpleProfiler):
    """Lightning's profiler, which writes the seconds of every call into a file.

    Args:
        file: where to.
    """

    def __init__(self, file: str) -> None:
        super().__init__()
        self._file = Path(file)

    def summary(self) -> str:
        """Write the file, and give the report as Lightning has it."""
        self._file.write_text(json.dumps(self.recorded_durations))
        return super().summary()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plain", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.plain:
        root, cache, size = options.plain
        print(json.dumps({"step": _plain_loop(Path(root), Path(cache), size)}))
    else:
        show(measure())


if __name__ == "__main__":
    main()
