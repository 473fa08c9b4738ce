"""Inference on a CPU compared with MONAI's Attention U-Net: a test, and passes of batches.

Every variant runs in its own process, once to warm up and once timed. The networks have random
weights; phantoms and our slice cache of them are written beforehand.
"""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from benchmarks.utils.measuring import alternate, run_worker
from benchmarks.utils.phantoms import link_many
from benchmarks.utils.precision import NAME
from benchmarks.utils.rows import Row, ratio_row
from benchmarks.workers.inference_ours import TEST_IMAGES, TRAIN_VAL_IMAGES, data_module
from data_modules.phantom.dataset import write_phantom

PHANTOMS = 8  # the images are links to their files
ROUNDS = 5
GUARD = 0.85  # times as fast as MONAI: less would be a regression
VARIANTS = ("ours", "monai")
TASKS = {
    "test": "126 images from the cache to masks and scores",
    "batch_1": "A pass of a batch of 1",
    "batch_32": "A pass of a batch of 32",
}


def measure() -> list[Row]:
    """Each task: ours with cpu.yaml against MONAI with the same optimisations."""
    rows = []
    with TemporaryDirectory() as folder:
        write_data(Path(folder))
        for task, title in TASKS.items():
            rows.append(_row(task, title, folder))
    return rows


def _row(task: str, title: str, folder: str) -> Row:
    workloads = [_workload(variant, task, folder) for variant in VARIANTS]
    ours, monai = alternate(*workloads, rounds=ROUNDS, warm_ups=0)
    return ratio_row(
        f"{title}, against MONAI's AttentionUnet with the same optimisations", monai, ours,
        goal=GUARD,
        conditions=f"CPU time; widths 16 to 256, {torch.get_num_threads()} threads, {NAME}, "
        "channels_last, fused batch normalisation, allocator",
    )  # fmt: skip


def _workload(variant: str, task: str, folder: str) -> Callable[[], float]:
    return lambda: run_worker("benchmarks.workers.inference", variant, task, folder)["seconds"]


def write_data(folder: Path) -> None:
    """Write phantoms of one slice, and their cache, for the test."""
    phantoms = folder / "phantoms"
    ids = write_phantom(phantoms, PHANTOMS, 1, seed=0, modalities=["t2f"])
    images = TEST_IMAGES + sum(TRAIN_VAL_IMAGES)
    link_many([phantoms / case for case in ids], folder / "images", images)
    data_module(folder).prepare_data()
