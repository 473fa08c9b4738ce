"""Trainings through the command line, for benchmarks of whole runs."""

import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.utils.measuring import ROOT, run_process
from lightning_app.runs.folder import Run, find_runs


def main_command(command: str) -> list[str]:
    """A command of the program, to be followed by its options."""
    return [sys.executable, str(ROOT / "main.py"), command]


def fit(
    folder: Path,
    data: Path,
    *options: str,
    cache: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Run:
    """Train in a new process.

    Args:
        folder: where the run is written.
        data: root of the data set.
        options: options for ``fit``, the experiment's config first.
        cache: folder of the slice cache; None for one in ``folder``.
        environment: variables to set in addition to ours.

    Raises:
        RuntimeError: it failed; the message holds the end of its standard error.
    """
    run_process([
        *main_command("fit"), *options,
        "--data.root", str(data),
        "--data.cache_dir", str(cache or folder / "cache"),
        "--trainer.default_root_dir", str(folder / "runs"),
    ], environment=environment)  # fmt: skip
    return find_runs(folder / "runs")[0]
