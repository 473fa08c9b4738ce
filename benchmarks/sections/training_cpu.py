"""Training an Attention U-Net on a CPU compared with MONAI's, and where the time of a step goes.

Every variant is trained in its own process, on random slices of 240 x 240. MONAI's network is
trained in a plain loop, as its users write it.
"""

from collections.abc import Callable

import torch

from benchmarks.profiling import step_profile
from benchmarks.utils.measuring import alternate, run_worker
from benchmarks.utils.precision import NAME
from benchmarks.utils.rows import Row, ratio_row
from benchmarks.workers.training_step import BATCH_SIZES, VARIANTS

# Times as fast as MONAI's network, by the width of the top level: less would be a regression.
GUARDS = {"16": 1.0, "32": 0.9}
ROUNDS = 5


def measure() -> list[Row]:
    """Ours as users train it and in a bare loop, and MONAI's with our optimisations."""
    return [*(row for width in GUARDS for row in _rows(width)), *_profile_rows()]


def _rows(width: str) -> list[Row]:
    workloads = [_workload(variant, width) for variant in VARIANTS]
    rounds = alternate(*workloads, rounds=ROUNDS, warm_ups=0)
    seconds = dict(zip(VARIANTS, rounds, strict=True))
    conditions = (
        f"CPU time; widths {width} to {16 * int(width)}, batches of {BATCH_SIZES[width]} at 240 x "
        f"240, {torch.get_num_threads()} threads"
    )
    optimised = f"{conditions}, {NAME}, channels_last, allocator"
    return [
        ratio_row("A step with cpu.yaml through the Trainer, against MONAI's AttentionUnet in a "
                  "loop with the same optimisations", seconds["monai"], seconds["ours"],
                  goal=GUARDS[width], conditions=optimised),
        ratio_row("A bare step (network, loss, Adam), against the same", seconds["monai"],
                  seconds["ours_bare"], goal=None, conditions=optimised),
        ratio_row("cpu.yaml, against ours without it", seconds["ours_plain"], seconds["ours"],
                  goal=None, conditions=conditions),
    ]  # fmt: skip


def _workload(variant: str, width: str) -> Callable[[], float]:
    return lambda: run_worker("benchmarks.workers.training_step", variant, width)["seconds"]


def _profile_rows() -> list[Row]:
    """The ten largest operators, the step's arithmetic, and the CPU's measured peak."""
    figures = run_worker("benchmarks.profiling.step_profile")
    conditions = (
        f"widths 16 to 256, batches of {step_profile.BATCH}, {torch.get_num_threads()} threads, "
        "time on the clock"
    )
    step = figures.pop("step_seconds")
    peak, rate = figures.pop("peak"), figures.pop("flop") / step / 1e9
    shares = ", ".join(f"{operator} {100 * share:.0f} %" for operator, share in figures.items())
    return [
        Row("A step with cpu.yaml, the ten largest operators", shares, conditions=conditions),
        Row(
            "Arithmetic of that step, and the peak that matrix products reach here",
            f"{rate:.0f} GFLOP/s of {peak:.0f} in {NAME} ({rate / peak:.0%})",
            conditions=conditions,
        ),
    ]
