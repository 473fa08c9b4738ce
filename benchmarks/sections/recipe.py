"""What the pieces of real.yaml cost: the window, and augmentation beside a step."""

from collections.abc import Mapping, Sequence

from benchmarks.utils.measuring import run_worker
from benchmarks.utils.precision import NAME
from benchmarks.utils.rows import Row, ratio_row
from benchmarks.workers.recipe_step import AUGMENTED, BATCH, ROUNDS, WHOLE, WINDOW

NETWORKS = {
    "UNet": "UNet",
    "AttentionUNet": "Attention UNet",
    "AttentionUNetSPP": "Attention UNet + SPP",
    "AttentionUNetASPP": "Attention UNet + ASPP",
}
WIDTHS = (8, 32)
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
SIZES = f"{WINDOW[0]} x {WINDOW[1]} against {WHOLE[0]} x {WHOLE[1]}"
Rounds = Mapping[str, Sequence[float]]


def measure() -> list[Row]:
    """All networks at several widths; augmentation as a share of the step of each."""
    return [row for width in WIDTHS for name in NETWORKS for row in _rows(name, width)]


def _rows(network: str, width: int) -> list[Row]:
    seconds = _rounds(network, width)
    title = f"{NETWORKS[network]}, widths {width} to {16 * width}"
    conditions = f"batches of {BATCH}, {NAME}, channels_last, one thread, CPU time"
    return [
        ratio_row(f"{title}: a step at {SIZES}", seconds["whole"], seconds["window"],
                  goal=None, conditions=conditions),
        ratio_row(f"{title}: a forward pass at {SIZES}", seconds["whole_pass"],
                  seconds["window_pass"], goal=None, conditions=conditions),
        *(_share_row(f"{title}: {preset} augmentation", seconds[preset], seconds["window"],
                     conditions) for preset in AUGMENTED),
    ]  # fmt: skip


def _rounds(network: str, width: int) -> Rounds:
    figures = run_worker("benchmarks.workers.recipe_step", network, str(width),
                         environment=ONE_THREAD)  # fmt: skip
    names = ("whole", "window", "whole_pass", "window_pass", *AUGMENTED)
    return {name: [figures[f"{name}_{number}"] for number in range(ROUNDS)] for name in names}


def _share_row(
    measurement: str, augmentation: Sequence[float], step: Sequence[float], conditions: str
) -> Row:
    """The augmentation's part of augmentation and step."""
    shares = sorted(
        100 * part / (part + rest) for part, rest in zip(augmentation, step, strict=True)
    )
    middle = len(shares) // 2
    milliseconds = 1e3 * sorted(augmentation)[middle] / BATCH
    result = (
        f"{shares[0]:.1f} / {shares[middle]:.1f} / {shares[-1]:.1f} % of a step "
        f"({milliseconds:.2g} ms an image)"
    )
    return Row(measurement, result, conditions=conditions)
