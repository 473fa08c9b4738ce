"""What the framework adds to the time of the network: counting for the scores, hooks, logging.

The step is that of quick.yaml, the smallest that anyone would train, so the shares are the largest.
The milliseconds per step hold for any network.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

import torch
from torch import Tensor
from torchmetrics.segmentation import DiceScore, MeanIoU

from benchmarks.utils.cpu_times import CLOCK, TRUST, cpu_times
from benchmarks.utils.measuring import ONE_THREAD, alternate, run_worker
from benchmarks.utils.phantoms import phantom
from benchmarks.utils.rows import Row, bound_row, ratio_row
from benchmarks.utils.trainings import fit
from benchmarks.workers.plain_loop import BATCH, EPOCHS, SLICES, SPLIT_SIZES
from lightning_app.metrics.confusion_counts import SliceCounts

IMAGES, MASK_BATCH = 126, 32
COUNTING_GUARD = 2  # times as fast as torchmetrics: less would be a regression
WIDTHS = {"quick": [8, 16, 32, 64, 128], "tiny": [2, 2, 2, 2, 4]}
CASES, DEPTH = 48, 17
MANY_SLICES = list(range(1, 16))  # 120 steps an epoch, as with 480 images; 24 with SLICES
EPOCH_HOOKS = ("on_train_batch", "on_train_epoch", "on_before", "on_after", "on_validation")
MaskPair = tuple[Tensor, Tensor]  # prediction and reference


def measure() -> list[Row]:
    """Counting against torchmetrics, hooks in a training, a training against a plain loop."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        data = phantom(folder, CASES, DEPTH)
        return [
            _counting_row(),
            _hooks_row(folder, data),
            *(_step_row(folder, data, network) for network in WIDTHS),
        ]


def _counting_row() -> Row:
    generator = torch.Generator().manual_seed(0)
    reference = torch.rand(IMAGES, 1, 240, 240, generator=generator) > 0.98
    prediction = reference ^ (torch.rand(IMAGES, 1, 240, 240, generator=generator) > 0.99)
    torch.set_num_threads(1)
    masks = list(
        zip(torch.split(prediction, MASK_BATCH), torch.split(reference, MASK_BATCH), strict=True)
    )
    ours, baseline = _our_scores(masks), _torchmetrics(masks)
    torch.testing.assert_close(ours(), baseline(), rtol=1e-5, atol=0, check_dtype=False)
    baseline_rounds, our_rounds = alternate(_timed(baseline), _timed(ours), rounds=15)
    return ratio_row(
        f"scores of {IMAGES} images, against torchmetrics' DiceScore and MeanIoU, same numbers",
        baseline_rounds, our_rounds, goal=COUNTING_GUARD,
        conditions=f"masks, batches of {MASK_BATCH}, one thread",
    )  # fmt: skip


def _our_scores(masks: Sequence[MaskPair]) -> Callable[[], Tensor]:
    """Pooled Dice and the mean IoU over slices, from our counts of masks (N, 1, H, W)."""
    samples = torch.split(torch.arange(IMAGES), MASK_BATCH)

    def score() -> Tensor:
        counts = SliceCounts()
        for (predicted, true), sample in zip(masks, samples, strict=True):
            counts.update(predicted, true, sample)
        tp, fp, fn = counts.compute()[:, 1:4].double().T
        return torch.stack([2 * tp.sum() / (2 * tp + fp + fn).sum(), (tp / (tp + fp + fn)).mean()])

    return score


def _torchmetrics(batches: Sequence[MaskPair]) -> Callable[[], Tensor]:
    """The same scores by torchmetrics, given masks (N, 1, H, W), which suit it best."""
    options: dict[str, Any] = {
        "num_classes": 1,
        "include_background": True,
        "input_format": "one-hot",
    }

    def score() -> Tensor:
        dice = DiceScore(average="micro", aggregation_level="global", **options)
        iou = MeanIoU(**options)
        for predicted, true in batches:
            dice.update(predicted, true)
            iou.update(predicted, true)
        return torch.stack([dice.compute(), iou.compute()])

    return score


def _timed(work: Callable[[], object]) -> Callable[[], float]:
    def run() -> float:
        start = process_time()
        work()
        return process_time() - start

    return run


def _hooks_row(folder: Path, data: Path) -> Row:
    file = folder / "hooks.json"
    profiler = ["--trainer.profiler.class_path", "benchmarks.profiling.hook_times.HookTimes"]
    profiler += ["--trainer.profiler.file", str(file), "--trust", "benchmarks"]
    fit(folder, data, *_fit_options("quick", MANY_SLICES), *profiler)
    times: dict[str, list[float]] = json.loads(file.read_text())
    steps = times["run_training_batch"]
    hooks = sum(sum(seconds) for action, seconds in times.items() if _is_epoch_hook(action))
    per_step = hooks / len(steps)
    share = 100 * per_step / median(steps)
    measurement = f"all callbacks within an epoch, {1e3 * per_step:.2f} ms a step, share of a step"
    conditions = f"quick.yaml, {1e3 * median(steps):.0f} ms on the clock"
    return bound_row(measurement, share, "%", at_most=2, conditions=conditions)


def _is_epoch_hook(action: str) -> bool:
    """Whether a callback's hook runs in training steps, or in the validation after them."""
    return action.startswith("[Callback]") and any(f".{hook}" in action for hook in EPOCH_HOOKS)


def _step_row(folder: Path, data: Path, network: str) -> Row:
    """CPU time of a step, in all epochs except the first."""
    options = [*_data_options(folder, data), *_fit_options(network, SLICES), *CLOCK, *TRUST]

    def ours() -> float:
        epochs = cpu_times(["fit", *options], environment=ONE_THREAD).epochs[1:]
        return median(epochs) / (SPLIT_SIZES[0] * len(SLICES) / BATCH)

    def plain() -> float:
        arguments = (str(data), str(folder / "cache"), *map(str, WIDTHS[network]))
        figures = run_worker("benchmarks.workers.plain_loop", *arguments, environment=ONE_THREAD)
        return figures["step"]

    plain_rounds, our_rounds = alternate(plain, ours, rounds=5, warm_ups=0)
    added = 1e3 * median(o - p for o, p in zip(our_rounds, plain_rounds, strict=True))
    return ratio_row(
        f"a step of `fit` against a plain loop's, {network} network: {added:.1f} ms more",
        plain_rounds,
        our_rounds,
        goal=None,
        conditions="network, loss, Adam, loader, allocator, batches of 4, float32, one thread",
    )


def _data_options(folder: Path, data: Path) -> list[str]:
    cache, runs = str(folder / "cache"), str(folder / "runs")
    options = ["--data.root", str(data), "--data.cache_dir", cache]
    return [*options, "--trainer.default_root_dir", runs]


def _fit_options(network: str, slices: list[int]) -> list[str]:
    options = ["--config", "aspp_t2f.yaml", "--config", "quick.yaml"]
    options += ["--model.network.widths", str(WIDTHS[network]), "--data.slices", str(slices)]
    sizes = str(list(SPLIT_SIZES))
    return [*options, "--data.split_sizes", sizes, "--trainer.max_epochs", str(EPOCHS)]
