"""Inference on a CPU compared with MONAI's Attention U-Net: a test, a patient, batch latencies.

Every variant runs in its own process, once to warm up and once timed. The networks have random
weights; phantoms and our slice cache of them are written beforehand.
"""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from benchmarks.utils.measuring import alternate, run_worker
from benchmarks.utils.phantoms import link_many
from benchmarks.utils.rows import Row, ratio_row
from benchmarks.workers.inference_ours import TEST_IMAGES, TRAIN_VAL_IMAGES, data_module
from data_modules.phantom.dataset import write_phantom

PHANTOMS = 8  # the images are links to their files
ROUNDS = 2
VARIANTS = ("ours", "monai", "monai_optimised")
TASKS = {
    "test": "126 images from the cache to masks and scores",
    "patient": "A patient of 240 x 240 x 155, from .nii.gz to a written NIfTI",
    "batch_1": "Latency of a batch of 1",
    "batch_32": "Latency of a batch of 32",
}


def measure() -> list[Row]:
    """Each task: ours with cpu.yaml against MONAI, as installed and with our optimisations."""
    rows = []
    with TemporaryDirectory() as folder:
        write_data(Path(folder))
        for task, title in TASKS.items():
            rows += _rows(task, title, folder)
    return rows


def _rows(task: str, title: str, folder: str) -> list[Row]:
    workloads = [_workload(variant, task, folder) for variant in VARIANTS]
    rounds = alternate(*workloads, rounds=ROUNDS, warm_ups=0)
    seconds = dict(zip(VARIANTS, rounds, strict=True))
    has_goal = task in {"test", "patient"}
    conditions = f"widths 16 to 256, the images, batches, {torch.get_num_threads()} threads"
    optimised = f"{conditions}, bfloat16, channels_last, fused batch normalisation, allocator"
    if task == "patient":
        optimised += ", slices without brain not run"
    return [
        ratio_row(f"{title}, against MONAI as installed", seconds["monai"], seconds["ours"],
                  goal=2.5 if has_goal else None, conditions=conditions),
        ratio_row(f"{title}, against MONAI with every optimisation", seconds["monai_optimised"],
                  seconds["ours"], goal=1.2 if has_goal else None, conditions=optimised),
    ]  # fmt: skip


def _workload(variant: str, task: str, folder: str) -> Callable[[], float]:
    return lambda: run_worker("benchmarks.workers.inference", variant, task, folder)["seconds"]


def write_data(folder: Path) -> None:
    """Write phantoms of one slice and their cache for the test, and a patient of 155 slices."""
    phantoms = folder / "phantoms"
    ids = write_phantom(phantoms, PHANTOMS, 1, seed=0, modalities=["t2f"])
    images = TEST_IMAGES + sum(TRAIN_VAL_IMAGES)
    link_many([phantoms / case for case in ids], folder / "images", images)
    write_phantom(folder / "patient", 1, 155, seed=1, modalities=["t2f"])
    data_module(folder).prepare_data()
