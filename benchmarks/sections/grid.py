"""The laptop grid: ``reproduce`` with quick.yaml and cpu.yaml on the phantom, before and now."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.utils.cpu_times import CLOCK, TRUST, CpuTimes, cpu_times
from benchmarks.utils.measuring import ROOT, alternate, run_process
from benchmarks.utils.precision import CPU_YAML, NAME
from benchmarks.utils.revision import earlier_program
from benchmarks.utils.rows import Row, bound_row, ratio_row
from benchmarks.utils.trainings import main_command

ROUNDS = 2
JOBS = 2
GOAL, LARGEST_SHARE = 2, 10  # times as fast, and % outside steps and evaluation
CONDITIONS = (
    f"12 experiments, trained and tested in {NAME}, and the report; the default phantom, warm "
    f"cache; before: one at a time with two threads, now {JOBS} at a time with one thread each"
)


def measure() -> list[Row]:
    """CPU time of the whole command, and what of it is neither steps nor evaluation."""
    times: list[CpuTimes] = []
    with TemporaryDirectory() as name, earlier_program() as before:
        folder = Path(name)
        cache = ["--data.cache_dir", str(folder / "cache")]
        for modality in ("t1c", "t2f", "t2w"):
            run_process([*main_command("prepare"), "--data.modalities", f"[{modality}]", *cache])
        workloads: list[Callable[[], float]] = [
            partial(_seconds, folder, cache, before, [], []),
            partial(_seconds, folder, cache, ROOT, times, ["--jobs", str(JOBS)]),
        ]
        was, now = alternate(*workloads, rounds=ROUNDS, warm_ups=0)
    share = median(100 * (1 - run.work / run.total) for run in times)
    return [
        ratio_row(f"the grid of 12, with --jobs {JOBS} against before", was, now, goal=GOAL,
                  conditions=CONDITIONS),
        bound_row("the grid of 12: outside training steps, validation and test", share, "%",
                  at_most=LARGEST_SHARE, conditions=CONDITIONS),
    ]  # fmt: skip


def _seconds(
    folder: Path, cache: list[str], program: Path, times: list[CpuTimes], jobs: list[str]
) -> float:
    """Run the grid in an empty folder, and add its times."""
    with TemporaryDirectory(dir=folder) as runs:
        options = [*cache, "--trainer.default_root_dir", runs, *CLOCK, *TRUST]
        overlays = ["--config", "quick.yaml", *CPU_YAML]
        times.append(cpu_times(["reproduce", *jobs, *overlays, *options], root=program))
    return times[-1].total
