"""Files that clean may delete, below the working folder."""

import json
import os
import time
from pathlib import Path
from typing import Any

from lightning_app.runs.folder import Run
from tests.helpers.runs.toy_runs import ToyRun

DAY_S = 24 * 3600
FORMAT = 7  # of the cache


def finished_run(name: str = "20260101-000000-aaaaaa", **more: Any) -> Run:
    """A run with both checkpoints, of a version that did not record its arrays."""
    run = ToyRun({"A-000": (10, 20, 5)}, name=name, **more).write(Path("runs"))
    run.checkpoints.mkdir()
    run.best.write_bytes(bytes(1000))
    run.last.write_bytes(bytes(3000))
    return run


def cached(name: str, days: float, *, written: int = FORMAT) -> Path:
    """An array in the default cache that was opened some days ago."""
    folder = Path("cache", name)
    folder.mkdir(parents=True)
    (folder / "array.npy").write_bytes(bytes(5000))
    (folder / "index.json").write_text(json.dumps({"format": written}), "utf-8")
    opened = time.time() - days * DAY_S
    os.utime(folder / "index.json", (opened, opened))
    return folder


def everything() -> dict[Path, bytes | None]:
    """The content of each file, and None for each folder."""
    return {p: p.read_bytes() if p.is_file() else None for p in Path().rglob("*")}
