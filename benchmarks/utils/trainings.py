"""Trainings through the command line, for benchmarks of whole runs."""

import sys
from pathlib import Path

from benchmarks.utils.measuring import ROOT, run_process
from lightning_app.runs.folder import Run, find_runs


def fit(folder: Path, data: Path, *options: str) -> Run:
    """Train in a new process.

    Args:
        folder: where the run and the slice cache are written.
        data: root of the data set.
        options: options for ``fit``, the experiment's config first.

    Raises:
        RuntimeError: it failed; the message holds the end of its standard error.
    """
    run_process([
        sys.executable, str(ROOT / "main.py"), "fit", *options,
        "--data.root", str(data),
        "--data.cache_dir", str(folder / "cache"),
        "--trainer.default_root_dir", str(folder / "runs"),
    ])  # fmt: skip
    return find_runs(folder / "runs")[0]
