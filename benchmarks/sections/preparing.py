"""Preparing: from .nii.gz to a usable cache, beside MONAI's PersistentDataset.

python -m benchmarks.sections.preparing
"""

import argparse
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.utils.measuring import Row, bound_row, in_turns, measured_apart, ratio_row, show
from data_modules.phantom import write_phantom

PHANTOMS, DEPTH, SEED = 8, 155, 0
SCANS = {"middle": 256, "all": 64}  # all slices of the larger number are 7 GB with MONAI
TURNS = 2
FIRST_GOAL, GOAL = 5, 10
OURS, MONAI = "benchmarks.workers.preparing_ours", "benchmarks.workers.preparing_monai"
THREAD = {"OMP_NUM_THREADS": "1"}
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str(1 << 30)}
LEVERS = "libdeflate, plain arrays, float16, our statistics and glibc's thresholds"
EQUAL = (
    f"scans ({PHANTOMS} phantoms, linked) of 240 x 240 x {DEPTH}: image (t1c, int16) and "
    "segmentation, .nii.gz; "
    "two worker processes, a thread each, on two cores; cold cache folder, files warm in the "
    "system's; z-score over the brain; starting the workers counts, importing the libraries into "
    "the first process does not; ours checks every file and MONAI's does not"
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
            *(row for slices in SCANS for row in _ratios(folder, slices)),
            *_memory(folder, folder / "all"),
            *_second_experiment(folder, folder / "all"),
        ]


def _ratios(folder: Path, slices: str) -> list[Row]:
    """Against MONAI as installed, and with our levers."""
    root, scans = folder / slices, SCANS[slices]
    installed, lean, ours = in_turns(
        _side(folder, MONAI, "--root", str(root), "--slices", slices),
        _side(folder, MONAI, "--root", str(root), "--slices", slices, "--lean", **KEEP_MEMORY),
        _side(folder, OURS, "--root", str(root), "--slices", slices),
        turns=TURNS,
        warm_ups=0,
    )
    kept = {
        "middle": "kept: the middle slice",
        "all": "kept: ours and MONAI with levers the slices with brain, MONAI as installed all",
    }[slices]
    values = "ours float16, MONAI's float32 tensors"
    return [
        ratio_row(
            f"slices {slices}: against MONAI {way}",
            seconds, ours, goal=goal, equal=f"{scans} {EQUAL}; {kept}; {held}",
        )
        for way, seconds, goal, held in (
            ("as installed", installed, FIRST_GOAL, values),
            ("as installed, in the end", installed, GOAL, values),
            (f"with {LEVERS}", lean, None, "both float16"),
        )
    ]  # fmt: skip


def _side(folder: Path, module: str, *arguments: str, **environment: str) -> Callable[[], float]:
    def once() -> float:
        cache = folder / "cache"
        shutil.rmtree(cache, ignore_errors=True)
        cache.mkdir()
        run = measured_apart(
            module, *arguments, "--cache", str(cache), environment=THREAD | environment
        )
        return run["seconds"]

    return once


def _memory(folder: Path, root: Path) -> list[Row]:
    """Of prepare at half of the cases and at all of them."""
    half = folder / "half"
    scans = SCANS["all"]
    for case in sorted(root.glob("BraTS*"))[: scans // 2]:
        shutil.copytree(case, half / case.name, copy_function=os.link)
    peaks = [
        _prepared(cases, folder / f"memory-{cases.name}", ["t1c"])["mebibytes"]
        for cases in (half, root)
    ]
    what = f"memory of prepare, all slices: {scans} scans against {scans // 2}"
    found = f"{peaks[1]:.0f} MiB against {peaks[0]:.0f}"
    equal = "allocated by all three processes at once, their libraries included"
    ratio = bound_row(what, peaks[1] / peaks[0], "times", at_most=1.25, equal=equal)
    return [Row(what, f"{ratio.found} ({found})", ratio.wanted, ratio.reached, equal)]


def _second_experiment(folder: Path, root: Path) -> list[Row]:
    """Another network needs the same arrays; another modality needs one more."""
    cache = folder / "second"
    first, network, modality = (
        _prepared(root, cache, modalities)
        for modalities in (["t1c"], ["t1c"], ["t1c", "t2f"])
    )  # fmt: skip
    return [
        _cost("a second experiment on another network", first, network, arrays=0),
        _cost("a second experiment with a further modality", first, modality, arrays=1),
    ]


def _cost(what: str, first: dict[str, float], then: dict[str, float], *, arrays: int) -> Row:
    return Row(
        what,
        f"{then['built']:.0f} arrays built, {then['seconds']:.2f} s; the first experiment: "
        f"{first['built']:.0f} arrays, {first['seconds']:.2f} s",
        f"{arrays} arrays built",
        then["built"] == arrays,
        f"{SCANS['all']} scans, all slices; an array is the labels or one modality",
    )


def _prepared(root: Path, cache: Path, modalities: Sequence[str]) -> dict[str, float]:
    cache.mkdir(exist_ok=True)
    arguments = ("--root", str(root), "--cache", str(cache), "--slices", "all", "--modalities")
    return measured_apart(OURS, *arguments, *modalities, environment=THREAD)


def link_many(cases: list[Path], root: Path, scans: int) -> None:
    """Give some cases many names, without copying their files."""
    for number in range(scans):
        case, name = cases[number % len(cases)], f"BraTS-GLI-{number:05d}-000"
        (root / name).mkdir(parents=True)
        for file in case.iterdir():
            os.link(file, root / name / file.name.replace(case.name, name))


def main() -> None:
    """Measure and print."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    show(measure())


if __name__ == "__main__":
    main()
