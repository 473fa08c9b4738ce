"""Preparing: from .nii.gz to a usable cache, compared with MONAI's PersistentDataset."""

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.utils.measuring import ONE_THREAD, alternate, run_worker
from benchmarks.utils.phantoms import link_many
from benchmarks.utils.rows import Row, bound_row, ratio_row
from data_modules.phantom import write_phantom

PHANTOMS, DEPTH, SEED = 8, 155, 0
BRATS_SCANS, SCANS_A_SECOND = 1251, 60
SCANS = {"middle": 256, "all": 64}  # all slices of the larger number are 7 GB with MONAI
# Times as fast as MONAI with our optimisations, which checks no file: less would be a regression.
GUARDS = {"middle": 0.45, "all": 0.7}
ROUNDS = 5
OURS, MONAI = "benchmarks.workers.preparing_ours", "benchmarks.workers.preparing_monai"
MANY_THREADS = {"OMP_NUM_THREADS": "16", "OPENBLAS_NUM_THREADS": "16"}
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str(1 << 30)}
OPTIMISATIONS = "libdeflate, plain arrays, float16, our statistics and glibc's thresholds"
CONDITIONS = (
    f"scans ({PHANTOMS} phantoms) of 240 x 240 x {DEPTH}: image (t1c, int16) and segmentation, "
    ".nii.gz; two worker processes on two cores; cold cache folder, files warm in the system's "
    "file cache; z-score over the brain; ours checks every file and MONAI's does not"
)


def measure() -> list[Row]:
    """All scans of BraTS, ratios, threads, memory, and what a second experiment costs."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_phantom(folder / "phantoms", PHANTOMS, DEPTH, SEED, modalities=("t1c", "t2f"))
        phantoms = sorted((folder / "phantoms").glob("BraTS*"))
        rows = _whole_rows(folder, phantoms)
        for slices, scans in SCANS.items():
            link_many(phantoms, folder / slices, scans)
        return [
            *rows,
            _threads_row(folder),
            *(_ratio_row(folder, slices) for slices in SCANS),
            _memory_row(folder, folder / "all"),
            *_second_experiment_rows(folder, folder / "all"),
        ]


def _whole_rows(folder: Path, phantoms: Sequence[Path]) -> list[Row]:
    """Every scan of BraTS 2023, of one modality. The files are copies, as a user's are."""
    root = folder / "brats"
    link_many(phantoms, root, BRATS_SCANS, copy=True, only=("t1c", "seg"))
    os.sync()  # not while the first of the two is measured
    arguments = ("--root", str(root), "--slices", "middle")
    monai, ours = (
        _figures(folder, module, *arguments, **environment)
        for module, environment in ((MONAI, ONE_THREAD), (OURS, {}))  # our workers set it
    )
    shutil.rmtree(root)
    rate = BRATS_SCANS / ours["seconds"]
    conditions = f"{BRATS_SCANS} {CONDITIONS}; copied, not linked; the middle slice of each"
    what = f"prepare {BRATS_SCANS} scans"
    goal = f"at least {SCANS_A_SECOND} a second"
    return [
        Row(what, _rate(ours), goal, rate >= SCANS_A_SECOND, conditions),
        Row(f"{what}, MONAI as installed", _rate(monai), conditions=conditions),
    ]


def _rate(figures: dict[str, float]) -> str:
    seconds, cpu = figures["seconds"], figures["cpu"]
    return (
        f"{BRATS_SCANS / seconds:.0f} scans a second ({seconds:.1f} s, "
        f"{1e3 * cpu / BRATS_SCANS:.0f} ms of CPU time a scan)"
    )


def _threads_row(folder: Path) -> Row:
    """CPU time if libraries may start many threads, against one thread."""
    arguments = ("--root", str(folder / "middle"), "--slices", "middle")
    one, many = alternate(
        _workload(folder, OURS, *arguments, **ONE_THREAD),
        _workload(folder, OURS, *arguments, **MANY_THREADS),
        rounds=ROUNDS,
        warm_ups=0,
    )
    ratio = median(more / less for more, less in zip(many, one, strict=True))
    measurement = "CPU time with 16 threads a process allowed, against one"
    conditions = f"{SCANS['middle']} {CONDITIONS}"
    return bound_row(measurement, ratio, "times", at_most=1.05, conditions=conditions)


def _ratio_row(folder: Path, slices: str) -> Row:
    """Against MONAI with our optimisations."""
    root, scans = folder / slices, SCANS[slices]
    arguments = ("--root", str(root), "--slices", slices)
    monai, ours = alternate(
        _workload(folder, MONAI, *arguments, "--optimise", **ONE_THREAD, **KEEP_MEMORY),
        _workload(folder, OURS, *arguments),
        rounds=ROUNDS,
        warm_ups=0,
    )
    kept = {"middle": "the middle slice", "all": "the slices with brain"}[slices]
    return ratio_row(
        f"slices {slices}, CPU time: against MONAI with {OPTIMISATIONS}",
        monai, ours, goal=GUARDS[slices], conditions=f"{scans} {CONDITIONS}; kept: {kept}, float16",
    )  # fmt: skip


def _workload(
    folder: Path, module: str, *arguments: str, **environment: str
) -> Callable[[], float]:
    """CPU seconds of a worker that fills an empty cache folder, without its imports."""
    return lambda: _figures(folder, module, *arguments, **environment)["cpu"]


def _figures(folder: Path, module: str, *arguments: str, **environment: str) -> dict[str, float]:
    cache = folder / "cache"
    shutil.rmtree(cache, ignore_errors=True)
    cache.mkdir()
    return run_worker(module, *arguments, "--cache", str(cache), environment=environment)


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
        f"{SCANS['all']} scans, all slices; an array is the labels or one modality; time on the "
        "clock",
    )


def _prepared(root: Path, cache: Path, modalities: Sequence[str]) -> dict[str, float]:
    cache.mkdir(exist_ok=True)
    arguments = ("--root", str(root), "--cache", str(cache), "--slices", "all", "--modalities")
    return run_worker(OURS, *arguments, *modalities)
