"""Our side of benchmarks.sections.preparing: one cache, filled by two worker processes.

The workers import this module anew, so what is heavy is imported where it is used.
"""

import argparse
import json
import os
from pathlib import Path
from time import perf_counter

from benchmarks.utils.memory import PeakMemory

PROCESSES = 2


def main() -> None:
    """Prepare, and print seconds, the peak of memory and how many arrays were built."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--slices", choices=["middle", "all"], required=True)
    parser.add_argument("--modalities", nargs="+", default=["t1c"])
    options = parser.parse_args()
    keep_to(PROCESSES)
    from data_modules.brats import BraTSDataModule

    data = BraTSDataModule(
        root=options.root,
        modalities=options.modalities,
        slices=options.slices,
        cache_dir=options.cache,
    )
    before = set(options.cache.glob("*/array.npy"))
    began = perf_counter()
    with PeakMemory() as peak:
        data.prepare_data()
    seconds = perf_counter() - began
    built = set(options.cache.glob("*/array.npy")) - before
    size = sum(array.stat().st_size for array in built)
    slices = sum(len(dataset) for dataset in data.datasets.values())
    figures = {
        "seconds": seconds, "mebibytes": peak.mebibytes, "built": len(built), "bytes": size,
        "slices": slices,
    }  # fmt: skip
    print(json.dumps(figures))


def keep_to(cores: int) -> None:
    """Use no more cores than that, on a machine with many, where the system lets us choose."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])


if __name__ == "__main__":
    main()
