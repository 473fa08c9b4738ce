"""The preparing benchmark with our code: one cache, filled by two worker processes.

These import this module too, so heavy imports are inside the functions that need them.
"""

import argparse
import os
from pathlib import Path
from time import perf_counter

from benchmarks.utils.measuring import cpu_so_far, print_figures
from benchmarks.utils.memory import PeakMemory

PROCESSES = 2


def main() -> None:
    """Prepare, and print times, the peak memory and the number of arrays built."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--slices", choices=["middle", "all"], required=True)
    parser.add_argument("--modalities", nargs="+", default=["t1c"])
    options = parser.parse_args()
    limit_cores(PROCESSES)
    from data_modules.brats import BraTSDataModule

    data = BraTSDataModule(
        root=options.root,
        modalities=options.modalities,
        slices=options.slices,
        cache_dir=options.cache,
    )
    before = set(options.cache.glob("*/array.npy"))
    start, cpu = perf_counter(), cpu_so_far()
    with PeakMemory() as peak:
        data.prepare_data()
    seconds, cpu = perf_counter() - start, cpu_so_far() - cpu
    built = set(options.cache.glob("*/array.npy")) - before
    size = sum(array.stat().st_size for array in built)
    slices = sum(len(dataset) for dataset in data.datasets.values())
    print_figures(
        seconds=seconds, cpu=cpu, mebibytes=peak.mebibytes, built=len(built), bytes=size,
        slices=slices,
    )  # fmt: skip


def limit_cores(cores: int) -> None:
    """Run on ``cores`` cores, if the operating system allows the choice."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])


if __name__ == "__main__":
    main()
