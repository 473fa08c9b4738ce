"""Preparing: from .nii.gz to a usable cache, compared with MONAI's PersistentDataset."""

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.utils.measuring import alternate, run_worker
from benchmarks.utils.phantoms import link_many
from benchmarks.utils.rows import Row, bound_row, ratio_row
from data_modules.phantom import write_phantom

PHANTOMS, DEPTH, SEED = 8, 155, 0
SCANS = {"middle": 256, "all": 64}  # all slices of the larger number are 7 GB with MONAI
ROUNDS = 2
FIRST_GOAL, GOAL = 5, 10
OURS, MONAI = "benchmarks.workers.preparing_ours", "benchmarks.workers.preparing_monai"
ONE_THREAD = {"OMP_NUM_THREADS": "1"}  # for MONAI, whose workers leave it to the user; ours do not
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str(1 << 30)}
OPTIMISATIONS = "libdeflate, plain arrays, float16, our statistics and glibc's thresholds"
CONDITIONS = (
    f"scans ({PHANTOMS} phantoms, linked) of 240 x 240 x {DEPTH}: image (t1c, int16) and "
    "segmentation, .nii.gz; "
    "two worker processes of one thread each, on two cores; cold cache folder, files warm in the "
    "system's file cache; z-score over the brain; starting the workers counts, importing the "
    "libraries into the main process does not; ours checks every file and MONAI's does not"
)


def measure() -> list[Row]:
    """Ratios, memory, and what a second experiment costs."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_phantom(folder / "phantoms", PHANTOMS, DEPTH, SEED, modalities=("t1c", "t2f"))
        phantoms = sorted((folder / "phantoms").glob("BraTS*"))
        for slices, scans in SCANS.items():
            link_many(phantoms, folder / slices, scans)
        return [
            *(row for slices in SCANS for row in _ratio_rows(folder, slices)),
            _memory_row(folder, folder / "all"),
            *_second_experiment_rows(folder, folder / "all"),
        ]


def _ratio_rows(folder: Path, slices: str) -> list[Row]:
    """Against MONAI as installed, and with our optimisations."""
    root, scans = folder / slices, SCANS[slices]
    arguments = ("--root", str(root), "--slices", slices)
    installed, optimised, ours = alternate(
        _workload(folder, MONAI, *arguments, **ONE_THREAD),
        _workload(folder, MONAI, *arguments, "--optimise", **ONE_THREAD, **KEEP_MEMORY),
        _workload(folder, OURS, *arguments),
        rounds=ROUNDS,
        warm_ups=0,
    )
    kept = {
        "middle": "kept: the middle slice",
        "all": "kept: ours and optimised MONAI the slices with brain, MONAI as installed all",
    }[slices]
    values = "ours float16, MONAI's float32 tensors"
    return [
        ratio_row(
            f"slices {slices}: against MONAI {way}",
            seconds, ours, goal=goal, conditions=f"{scans} {CONDITIONS}; {kept}; {types}",
        )
        for way, seconds, goal, types in (
            ("as installed", installed, FIRST_GOAL, values),
            ("as installed, final goal", installed, GOAL, values),
            (f"with {OPTIMISATIONS}", optimised, None, "both float16"),
        )
    ]  # fmt: skip


def _workload(
    folder: Path, module: str, *arguments: str, **environment: str
) -> Callable[[], float]:
    """A worker that fills an empty cache folder."""

    def run() -> float:
        cache = folder / "cache"
        shutil.rmtree(cache, ignore_errors=True)
        cache.mkdir()
        figures = run_worker(module, *arguments, "--cache", str(cache), environment=environment)
        return figures["seconds"]

    return run


def _memory_row(folder: Path, root: Path) -> Row:
    """Peak memory of prepare with half of the cases and with all of them."""
    half = folder / "half"
    scans = SCANS["all"]
    for case in sorted(root.glob("BraTS*"))[: scans // 2]:
        shutil.copytree(case, half / case.name, copy_function=os.link)
    peaks = [
        _prepared(cases, folder / f"memory-{cases.name}", ["t1c"])["mebibytes"]
        for cases in (half, root)
    ]
    row = bound_row(
        f"memory of prepare, all slices: {scans} scans against {scans // 2}",
        peaks[1] / peaks[0],
        "times",
        at_most=1.25,
        conditions="allocated by all three processes at once, their libraries included",
    )
    return replace(row, result=f"{row.result} ({peaks[1]:.0f} MiB against {peaks[0]:.0f})")


def _second_experiment_rows(folder: Path, root: Path) -> list[Row]:
    """Another network needs the same arrays; another modality needs one more."""
    cache = folder / "second"
    first, network, modality = (
        _prepared(root, cache, modalities)
        for modalities in (["t1c"], ["t1c"], ["t1c", "t2f"])
    )  # fmt: skip
    return [
        _cost_row("a second experiment on another network", first, network, arrays=0),
        _cost_row("a second experiment with a further modality", first, modality, arrays=1),
    ]


def _cost_row(
    measurement: str, first: dict[str, float], then: dict[str, float], *, arrays: int
) -> Row:
    return Row(
        measurement,
        f"{then['built']:.0f} arrays built, {then['seconds']:.2f} s; the first experiment: "
        f"{first['built']:.0f} arrays, {first['seconds']:.2f} s",
        f"{arrays} arrays built",
        then["built"] == arrays,
        f"{SCANS['all']} scans, all slices; an array is the labels or one modality",
    )


def _prepared(root: Path, cache: Path, modalities: Sequence[str]) -> dict[str, float]:
    cache.mkdir(exist_ok=True)
    arguments = ("--root", str(root), "--cache", str(cache), "--slices", "all", "--modalities")
    return run_worker(OURS, *arguments, *modalities)
