"""Where the time of a training step goes, by operator, and what the CPU can do at most.

    python -m benchmarks.profiling.step_profile

This module is not called ``profile``: the name would hide Python's own from scripts in this folder.
"""

from time import perf_counter

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.utils.measuring import print_figures
from benchmarks.utils.precision import HAS_BFLOAT16
from benchmarks.workers.training_step import WARM_UPS, bare_step, random_slices
from lightning_app.losses import DiceCrossEntropy
from lightning_app.runs.model_summary import count_multiply_adds
from models import AttentionUNet

WIDTHS, BATCH = (16, 32, 64, 128, 256), 32
MATRIX_SIZE = 2048  # of the product that measures the peak
OPERATORS = 10  # the largest ones are shown


def profile_step() -> dict[str, float]:
    """Profile a step as cpu.yaml runs it.

    Returns:
        Its seconds and FLOP, the peak in GFLOP/s in its precision, and the share of the time of
        each of the largest operators.
    """
    network = AttentionUNet(widths=WIDTHS)
    # A backward pass costs two forward passes: gradients by inputs and by weights.
    flop = 2 * 3 * BATCH * count_multiply_adds(network, torch.zeros(1, 1, 240, 240))[0]
    step = bare_step(network, DiceCrossEntropy())
    images, labels = random_slices(BATCH)
    target = labels[:, None].float()
    for _ in range(WARM_UPS):
        step(images, target)
    start = perf_counter()
    step(images, target)
    seconds = perf_counter() - start
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        step(images, target)
    events = profiler.key_averages()
    total = sum(event.self_cpu_time_total for event in events)
    largest = sorted(events, key=lambda event: -event.self_cpu_time_total)[:OPERATORS]
    return {
        "step_seconds": seconds,
        "flop": float(flop),
        "peak": _peak(torch.bfloat16 if HAS_BFLOAT16 else torch.float32),
        **{e.key.removeprefix("aten::"): e.self_cpu_time_total / total for e in largest},
    }


def _peak(dtype: torch.dtype) -> float:
    """GFLOP/s of a product of large matrices, the best of ten."""
    a, b = (torch.randn(MATRIX_SIZE, MATRIX_SIZE).to(dtype) for _ in range(2))
    seconds = []
    for _ in range(10):
        start = perf_counter()
        torch.mm(a, b)
        seconds.append(perf_counter() - start)
    return 2 * MATRIX_SIZE**3 / min(seconds) / 1e9


if __name__ == "__main__":
    print_figures(**profile_step())
