"""Where the time of a training step goes, by operator, beside what the processor can do at most.

    python -m benchmarks.profiling.step_profile

A module of its own name: benchmarks.profile would hide Python's from scripts run in this folder.
"""

import argparse
import json
import sys
from time import perf_counter

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.utils.measuring import Row, measured_apart, show
from lightning_app.losses import DiceCrossEntropy
from lightning_app.runs.model_summary import count_multiply_adds
from models import AttentionUNet

WIDTHS, BATCH = (16, 32, 64, 128, 256), 32
SIDE = 2048  # of the matrices whose product is taken for the peak
TOP = 10
OF_STEP = "step_seconds"


def profile_rows() -> list[Row]:
    """The ten largest operators, the step's arithmetic, and the processor's measured peak."""
    figures = measured_apart("benchmarks.profiling.step_profile", "--apart")
    equal = f"widths 16 to 256, batches of {BATCH}, {torch.get_num_threads()} threads"
    step = figures.pop(OF_STEP)
    peaks = {name: figures.pop(name) for name in ("float32", "bfloat16")}
    done = figures.pop("flop") / step / 1e9
    shares = ", ".join(f"{name} {100 * share:.0f} %" for name, share in figures.items())
    return [
        Row("A step with cpu.yaml, the ten largest operators", shares, equal=equal),
        Row(
            "Arithmetic of that step, and the most that matrix products reach here",
            f"{done:.0f} GFLOP/s of {peaks['bfloat16']:.0f} in bfloat16 "
            f"({done / peaks['bfloat16']:.0%}); {peaks['float32']:.0f} in float32",
            equal=equal,
        ),
    ]


def _peak(dtype: torch.dtype) -> float:
    """GFLOP/s of a product of large matrices, the best of ten."""
    one, two = (torch.randn(SIDE, SIDE).to(dtype) for _ in range(2))
    seconds = []
    for _ in range(10):
        begun = perf_counter()
        one @ two
        seconds.append(perf_counter() - begun)
    return 2 * SIDE**3 / min(seconds) / 1e9


def _profiled() -> dict[str, float]:
    from benchmarks.sections.training_cpu import bare_step, slices

    network = AttentionUNet(widths=WIDTHS)
    # Forward, and twice as much backward: by the inputs and by the weights.
    flop = 2 * 3 * BATCH * count_multiply_adds(network, torch.zeros(1, 1, 240, 240))[0]
    step = bare_step(network, DiceCrossEntropy(), levers=True)
    images, labels = slices(BATCH)
    target = labels[:, None].float()
    step(images, target)
    begun = perf_counter()
    step(images, target)
    seconds = perf_counter() - begun
    with profile(activities=[ProfilerActivity.CPU]) as watched:
        step(images, target)
    events = watched.key_averages()
    total = sum(event.self_cpu_time_total for event in events)
    largest = sorted(events, key=lambda event: -event.self_cpu_time_total)[:TOP]
    return {
        OF_STEP: seconds,
        "flop": float(flop),
        "float32": _peak(torch.float32),
        "bfloat16": _peak(torch.bfloat16),
        **{e.key.removeprefix("aten::"): e.self_cpu_time_total / total for e in largest},
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--apart", action="store_true", help=argparse.SUPPRESS)
    if parser.parse_args().apart:
        sys.stdout.write("\n" + json.dumps(_profiled()) + "\n")
    else:
        show(profile_rows())


if __name__ == "__main__":
    main()
