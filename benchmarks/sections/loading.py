"""Loading: CPU time of images from a warm cache to the training step, against MONAI's."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.utils.measuring import alternate, run_worker
from benchmarks.utils.phantoms import phantom
from benchmarks.utils.rows import Row, bound_row, ratio_row
from benchmarks.utils.trainings import fit
from benchmarks.workers.loading import EVAL_SLICES, SLICES, SPLIT_SIZES

SCANS, DEPTH = 66, 17
ROUNDS = 5
VARIANTS = ("ours", "monai", "copy")
GUARD = 0.55  # times as fast as MONAI: less would be a regression
CONDITIONS = (
    "512 images of 240 x 240 with masks, shuffled batches of 32, float32 images, no worker "
    "processes, one thread, warm cache; CPU seconds per thousand images"
)


def measure() -> list[Row]:
    """Speed and memory of three ways to the same batches; waiting for data in a training."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        data = phantom(folder, SCANS, DEPTH)
        _Workload("ours", data, folder)()  # fills the slice cache
        workloads = {variant: _Workload(variant, data, folder) for variant in VARIANTS}
        rounds = alternate(*workloads.values(), rounds=ROUNDS, warm_ups=0)
        seconds = dict(zip(VARIANTS, rounds, strict=True))
        memory = {variant: max(workload.mebibytes) for variant, workload in workloads.items()}
        return [*_speed_rows(seconds), _memory_row(memory), _waiting_row(folder, data)]


class _Workload:
    """A variant of loading, in its own process. Collects the memory that its data take."""

    def __init__(self, variant: str, data: Path, folder: Path) -> None:
        self._arguments = (variant, str(data), str(folder))
        self.mebibytes: list[float] = []

    def __call__(self) -> float:
        figures = run_worker("benchmarks.workers.loading", *self._arguments)
        self.mebibytes.append(figures["mebibytes"])
        return figures["seconds"]


def _speed_rows(seconds: dict[str, list[float]]) -> list[Row]:
    ours = seconds["ours"]
    return [
        ratio_row("against MONAI's CacheDataset at its best: no copy, plain tensors",
                  seconds["monai"], ours, goal=GUARD, conditions=CONDITIONS),
        ratio_row("against a copy of the same bytes into a reused buffer (float16 to float32)",
                  seconds["copy"], ours, goal=None, conditions=CONDITIONS),
        Row("ours, fastest round", f"{1000 / min(ours):.0f} images a second",
            conditions=CONDITIONS),
    ]  # fmt: skip


def _memory_row(memory: dict[str, float]) -> Row:
    ours, best = memory["ours"], memory["monai"]
    measurement = (
        f"private memory (RssAnon) of 512 images, {ours:.1f} MiB, as a share of CacheDataset's at "
        f"its best, {best:.0f} MiB"
    )
    return bound_row(measurement, 100 * ours / best, "%", at_most=10, conditions=CONDITIONS)


def _waiting_row(folder: Path, data: Path) -> Row:
    run = fit(
        folder, data, "--config", "unet_t2f.yaml", "--config", "quick.yaml",
        "--data.slices", str(SLICES), "--data.eval_slices", str(EVAL_SLICES),
        "--data.split_sizes", str(list(SPLIT_SIZES)), "--trainer.max_epochs", "2",
        "--trainer.logger", "false",
    )  # fmt: skip
    times = json.loads(run.timing.read_text())["run"]
    share = 100 * times["data_wait_seconds"] / times["training_seconds"]
    conditions = "unet_t2f with quick.yaml: the smallest network; time on the clock"
    return bound_row("waiting for data in a training", share, "%", at_most=2, conditions=conditions)
