"""Growth: time and memory at 50 to 400 scans, and what 1,251 scans with all slices will cost.

python -m benchmarks.sections.scaling
"""

import argparse
import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.sections.preparing import link_many
from benchmarks.utils.measuring import Row, measured_apart, show
from data_modules.phantom import write_phantom

SIZES = (50, 100, 200, 400)
DEPTH, SEED = 24, 0
LARGEST_GROWTH = 1.25  # of the time a scan and of the memory, from the fewest scans to the most
STEPS = ("prepare", "epoch", "test")
EQUAL = (
    f"phantom scans of 240 x 240 x {DEPTH}, t1c, all slices; two cores; an epoch over half of the "
    "scans and a test of 0.4 of them, by a network of one weight: the side of the data and of "
    "Lightning; memory is what is allocated, without pages of the mapped cache"
)
BRATS_SCANS = 1251
TRIED_PHANTOMS, TRIED_SCANS, TRIED_DEPTH = 8, 144, 155
THREAD = {"OMP_NUM_THREADS": "1"}
Figures = dict[str, float]


def measure() -> list[Row]:
    """Growth of each step, then the whole data set from a part that is tried."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        found = _grown(folder)
        rows = [row for step in STEPS for row in _growth_rows(step, found[step])]
    with TemporaryDirectory() as name:
        return rows + _whole_data_set(Path(name), found["epoch"][-1])


def _grown(folder: Path) -> dict[str, list[Figures]]:
    """The figures of each step, in the order of the sizes."""
    everyone = folder / "cases"
    write_phantom(everyone, max(SIZES), DEPTH, SEED, modalities=("t1c",))
    cases = sorted(everyone.glob("BraTS*"))
    found: dict[str, list[Figures]] = {step: [] for step in STEPS}
    for size in SIZES:
        root, cache = folder / f"root-{size}", folder / f"cache-{size}"
        cache.mkdir()
        for case in cases[:size]:
            shutil.copytree(case, root / case.name, copy_function=os.link)
        for step in STEPS:
            found[step].append(_measured(step, root, cache))
        shutil.rmtree(cache)
    return found


def _measured(step: str, root: Path, cache: Path) -> Figures:
    places = ("--root", str(root), "--cache", str(cache))
    if step == "prepare":
        return measured_apart(
            "benchmarks.workers.preparing_ours", *places, "--slices", "all", environment=THREAD
        )
    return measured_apart("benchmarks.workers.scaling_step", step, *places, environment=THREAD)


def _growth_rows(step: str, found: list[Figures]) -> list[Row]:
    """Time a scan and memory, the most scans against the fewest."""
    sizes = ", ".join(map(str, SIZES))
    times = [1e3 * figures["seconds"] / size for figures, size in zip(found, SIZES, strict=True)]
    peaks = [figures["mebibytes"] for figures in found]
    return [
        _growth_row(f"{step}: time a scan at {sizes} scans", times, "ms"),
        _growth_row(f"{step}: memory at {sizes} scans", peaks, "MiB"),
    ]


def _growth_row(what: str, values: list[float], unit: str) -> Row:
    growth = values[-1] / values[0]
    listed = ", ".join(f"{value:.4g}" for value in values)
    wanted = f"at most {LARGEST_GROWTH:g} times from {SIZES[0]} to {SIZES[-1]}"
    return Row(
        what, f"{listed} {unit}: {growth:.2f} times", wanted, growth <= LARGEST_GROWTH, EQUAL
    )


def _whole_data_set(folder: Path, epoch: Figures) -> list[Row]:
    """What one modality of BraTS 2023 will cost, from a part of its depth that is tried here."""
    phantoms, root, cache = folder / "phantoms", folder / "cases", folder / "cache"
    write_phantom(phantoms, TRIED_PHANTOMS, TRIED_DEPTH, SEED, modalities=("t1c",))
    link_many(sorted(phantoms.glob("BraTS*")), root, TRIED_SCANS)
    cache.mkdir()
    tried = _measured("prepare", root, cache)
    share = BRATS_SCANS / TRIED_SCANS
    slices = share * tried["slices"]
    data_side = slices * epoch["seconds"] / epoch["slices"]
    equal = (
        f"{TRIED_PHANTOMS} phantoms of {TRIED_DEPTH} slices, linked under {TRIED_SCANS} names; "
        "t1c and labels, all slices with brain; two processes on two cores"
    )
    return [
        Row(
            f"prepare {TRIED_SCANS} scans of full depth, tried here",
            f"{tried['slices']:.0f} slices in {tried['seconds']:.1f} s, "
            f"{tried['bytes'] / 1e9:.2f} GB of cache, {tried['mebibytes']:.0f} MiB of memory",
            equal=equal,
        ),
        Row(
            f"prepare {BRATS_SCANS} scans, reckoned from it",
            f"{slices:.0f} slices in {share * tried['seconds'] / 60:.1f} min, "
            f"{share * tried['bytes'] / 1e9:.0f} GB of cache",
            equal=f"{equal}; a further modality costs somewhat less than that again",
        ),
        Row(
            f"the data's side of an epoch over all slices of {BRATS_SCANS} scans, reckoned",
            f"{data_side / 60:.1f} min",
            equal="from the largest epoch above, whose cache lies in memory; with less memory than "
            "cache the disk bounds it",
        ),
    ]


def main() -> None:
    """Measure and print."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    show(measure())


if __name__ == "__main__":
    main()
