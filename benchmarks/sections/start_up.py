"""Start-up: the CPU time of a command before it does anything."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.utils.cpu_times import CLOCK, TRUST, cpu_times
from benchmarks.utils.measuring import ROOT, alternate, cpu_seconds
from benchmarks.utils.phantoms import phantom
from benchmarks.utils.revision import earlier_program
from benchmarks.utils.rows import Row, bound_row

CASES, DEPTH = 8, 17
BARE_IMPORT = ["-c", "import torch, lightning"]
WITHOUT_TORCH = {
    "`--help`": ["main.py", "--help"],
    "`--version`": ["main.py", "--version"],
    "a misspelt command": ["main.py", "fitt"],
    "imports of a `prepare` worker": ["-c", "import data_modules.cache.memmap_writer"],
    "`report --help-all`": ["main.py", "report", "--help-all"],
    "`fit --help`": ["main.py", "fit", "--help"],
    "`report` of a folder without runs": ["main.py", "report", "{empty}"],
}
WITH_TORCH = {
    "`fit --help-all`": ["main.py", "fit", "--help-all"],
    "an error in a config": [
        *("main.py", "fit", "--config", "aspp_t1c.yaml", "--data.slices", "midle")
    ],
}
BEYOND_IMPORT_S = 3
Workload = Callable[[], float]


def measure() -> list[Row]:
    """CPU seconds of commands without torch, and of others against its bare import."""
    with TemporaryDirectory() as name, earlier_program() as before:
        folder = Path(name)
        (folder / "empty").mkdir()
        waits = _waits(folder, before)
        commands = [BARE_IMPORT, *WITHOUT_TORCH.values(), *WITH_TORCH.values()]
        words = [[word.format(empty=folder / "empty") for word in words] for words in commands]
        workloads: list[Workload] = [partial(_seconds, command) for command in words]
        bare, *others = alternate(*workloads, *waits)
    without, others = others[: len(WITHOUT_TORCH)], others[len(WITHOUT_TORCH) :]
    with_torch, others = others[: len(WITH_TORCH)], others[len(WITH_TORCH) :]
    return [
        Row("`import torch, lightning`", f"{median(bare):.2f} s"),
        *_wait_rows(bare, others),
        *(
            bound_row(command, median(seconds), "s", at_most=0.5)
            for command, seconds in zip(WITHOUT_TORCH, without, strict=True)
        ),
        *(
            _ratio_to_import(command, seconds, bare)
            for command, seconds in zip(WITH_TORCH, with_torch, strict=True)
        ),
    ]


def _seconds(words: Sequence[str]) -> float:
    return cpu_seconds([sys.executable, *words], codes=(0, 2))


def _waits(folder: Path, before: Path) -> list[Workload]:
    """To the first step of fit and the first batch of test: as before, and as it is."""
    data = phantom(folder, CASES, DEPTH)
    cache = ["--data.root", str(data), "--data.cache_dir", str(folder / "cache")]
    steps = ["--trainer.max_steps", "1"]
    config = ["--config", "aspp_t1c.yaml", "--config", "quick.yaml", "--config", "cpu.yaml"]
    workloads: list[Workload] = []
    for name, program in (("before", before), ("now", ROOT)):
        runs = ["--trainer.default_root_dir", str(folder / name)]
        fit = ["fit", *config, *cache, *runs, *steps, *CLOCK, *TRUST]
        workloads += [
            partial(_to_first_batch, fit, program),
            partial(_to_first_batch, ["test", *runs, *TRUST], program),
        ]
    return workloads


def _to_first_batch(words: list[str], program: Path) -> float:
    return cpu_times(words, root=program).first_batch


def _wait_rows(bare: list[float], waits: Sequence[list[float]]) -> list[Row]:
    fit_before, test_before, fit, test = waits
    return [
        _wait_row("`fit` to its first step, W&B offline", bare, fit_before, fit),
        _wait_row("`test` to its first batch", bare, test_before, test),
    ]


def _wait_row(measurement: str, bare: list[float], before: list[float], now: list[float]) -> Row:
    beyond = [ours - theirs for ours, theirs in zip(now, bare, strict=True)]
    was = [ours - theirs for ours, theirs in zip(before, bare, strict=True)]
    row = bound_row(
        f"{measurement}, beyond that import",
        median(beyond),
        "s",
        at_most=BEYOND_IMPORT_S,
        conditions="warm slice cache; the command's process",
    )
    result = f"{row.result} ({median(now):.2f} s in all); before {median(was):.3g} s"
    return replace(row, result=result)


def _ratio_to_import(command: str, seconds: list[float], bare: list[float]) -> Row:
    ratios = [ours / theirs for ours, theirs in zip(seconds, bare, strict=True)]
    result = f"{min(ratios):.2f} / {median(ratios):.2f} / {max(ratios):.2f} times"
    result += f" ({median(seconds):.2f} s)"
    goal = "at most 1.15 times"
    return Row(f"{command}, against that import", result, goal, median(ratios) <= 1.15)
