"""Trainings of the program as its user starts them, for benchmarks that look at a whole run."""

import subprocess
import sys
from pathlib import Path

from benchmarks.utils.measuring import ROOT
from data_modules.phantom.dataset import write_phantom
from lightning_app.runs.folder import Run, find_runs


def phantom(folder: Path, cases: int, depth: int) -> Path:
    """Write synthetic patients, unless they are there; gives their folder."""
    root = folder / f"phantom-{cases}-{depth}"
    write_phantom(root, cases, depth, seed=0)
    return root


def fit(folder: Path, data: Path, *options: str) -> Run:
    """Train in a process of its own.

    Args:
        folder: takes the run; the cache of slices lies in it too.
        data: a data set.
        options: of ``fit``, the experiment's config first.

    Raises:
        RuntimeError: it failed; with the end of what it said.
    """
    places = ("--data.root", str(data), "--data.cache_dir", str(folder / "cache"))
    runs = folder / "runs"
    command = [sys.executable, str(ROOT / "main.py"), "fit", *options, *places]
    command += ["--trainer.default_root_dir", str(runs)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return find_runs(runs)[0]
