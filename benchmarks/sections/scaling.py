"""Scaling: CPU time and memory at 50 to 400 scans, and what 1,251 with all slices will cost."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.utils.measuring import ONE_THREAD, run_worker
from benchmarks.utils.phantoms import link_many
from benchmarks.utils.rows import Row
from data_modules.phantom import write_phantom

SIZES = (50, 200, 400)
DEPTH, SEED = 24, 0
LARGEST_GROWTH = 1.25  # of memory, and of the time of a further scan
STEPS = ("prepare", "epoch", "test")
CONDITIONS = (
    f"phantom scans of 240 x 240 x {DEPTH}, t1c, all slices; prepare in two processes; an epoch "
    "over half of the scans and a test of 0.4 of them, one thread, by a network of one weight that "
    "marks nothing: the cost of the data, of scores and of Lightning; memory is what is allocated, "
    "without pages of the mapped cache"
)
BRATS_SCANS = 1251
FULL_PHANTOMS, FULL_SCANS, FULL_DEPTH = 8, 144, 155
Figures = dict[str, float]


def measure() -> list[Row]:
    """Growth of each step, then an estimate for the whole data set from a part of it."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        figures = _measure_sizes(folder)
        rows = [row for step in STEPS for row in _growth_rows(step, figures[step])]
    with TemporaryDirectory() as name:
        return rows + _whole_data_set_rows(Path(name), figures["epoch"][-1])


def _measure_sizes(folder: Path) -> dict[str, list[Figures]]:
    """The figures of each step, in the order of the sizes."""
    all_cases = folder / "cases"
    write_phantom(all_cases, max(SIZES), DEPTH, SEED, modalities=("t1c",))
    cases = sorted(all_cases.glob("BraTS*"))
    figures: dict[str, list[Figures]] = {step: [] for step in STEPS}
    for size in SIZES:
        root, cache = folder / f"root-{size}", folder / f"cache-{size}"
        cache.mkdir()
        for case in cases[:size]:
            shutil.copytree(case, root / case.name, copy_function=os.link)
        for step in STEPS:
            figures[step].append(_run_step(step, root, cache))
        shutil.rmtree(cache)
    return figures


def _run_step(step: str, root: Path, cache: Path) -> Figures:
    folders = ("--root", str(root), "--cache", str(cache))
    if step == "prepare":
        return run_worker("benchmarks.workers.preparing_ours", *folders, "--slices", "all")
    return run_worker("benchmarks.workers.scaling_step", step, *folders, environment=ONE_THREAD)


def _growth_rows(step: str, figures: list[Figures]) -> list[Row]:
    """CPU time of a further scan, without what any number of scans costs, and memory."""
    fewest, *more = SIZES
    seconds = [f["cpu"] for f in figures]
    further = [
        1e3 * (then - seconds[0]) / (size - fewest)
        for size, then in zip(more, seconds[1:], strict=True)
    ]
    return [
        _growth_row(f"{step}: CPU time of a scan more than {fewest}", more, further, "ms"),
        _growth_row(f"{step}: memory", SIZES, [f["mebibytes"] for f in figures], "MiB"),
    ]


def _growth_row(what: str, sizes: Sequence[int], values: Sequence[float], unit: str) -> Row:
    """From the fewest of these scans to the most."""
    growth = values[-1] / values[0]
    result = ", ".join(f"{value:.4g}" for value in values) + f" {unit}: {growth:.2f} times"
    goal = f"at most {LARGEST_GROWTH:g} times from {sizes[0]} to {sizes[-1]}"
    measurement = f"{what}, at {', '.join(map(str, sizes))} scans"
    return Row(measurement, result, goal, growth <= LARGEST_GROWTH, CONDITIONS)


def _whole_data_set_rows(folder: Path, epoch: Figures) -> list[Row]:
    """What one modality of BraTS 2023 will cost, estimated from fewer scans of full depth."""
    phantoms, root, cache = folder / "phantoms", folder / "cases", folder / "cache"
    write_phantom(phantoms, FULL_PHANTOMS, FULL_DEPTH, SEED, modalities=("t1c",))
    link_many(sorted(phantoms.glob("BraTS*")), root, FULL_SCANS)
    cache.mkdir()
    part = _run_step("prepare", root, cache)
    share = BRATS_SCANS / FULL_SCANS
    slices = share * part["slices"]
    epoch_seconds = slices * epoch["cpu"] / epoch["slices"]
    conditions = (
        f"{FULL_PHANTOMS} phantoms of {FULL_DEPTH} slices, linked under {FULL_SCANS} names; "
        "t1c and labels, all slices with brain; two processes on two cores; time on the clock"
    )
    return [
        Row(
            f"prepare {FULL_SCANS} scans of full depth, measured",
            f"{part['slices']:.0f} slices in {part['seconds']:.1f} s, "
            f"{part['bytes'] / 1e9:.2f} GB of cache, {part['mebibytes']:.0f} MiB of memory",
            conditions=conditions,
        ),
        Row(
            f"prepare {BRATS_SCANS} scans, estimated from that",
            f"{slices:.0f} slices in {share * part['seconds'] / 60:.1f} min, "
            f"{share * part['bytes'] / 1e9:.0f} GB of cache",
            conditions=f"{conditions}; a further modality costs somewhat less than that again",
        ),
        Row(
            f"the data's part of an epoch over all slices of {BRATS_SCANS} scans, estimated",
            f"{epoch_seconds / 60:.1f} min of CPU time",
            conditions="from the largest epoch above, whose cache fits into memory; with less "
            "memory than cache the disk limits it",
        ),
    ]
