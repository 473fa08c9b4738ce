"""Tests of ensembles as `test` writes them, made from toy runs."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lightning_app.runs.folder import ENSEMBLES, ResultFolder, Run, TestFolder


def write_ensemble(
    root: Path,
    name: str,
    runs: Sequence[Run],
    *,
    is_mirrored: bool = False,
    epoch: int = 2,
    folder: str = "test",
    of: TestFolder | None = None,
) -> ResultFolder:
    """Write the test of an ensemble, with the scores of a test of a run.

    Args:
        root: of the runs.
        name: of the ensemble.
        runs: its members.
        is_mirrored: as recorded.
        epoch: of the tested weights of all members, as recorded.
        folder: name of the test's folder.
        of: whose scores it has; by default those of the first run.
    """
    ensemble = ResultFolder((root / ENSEMBLES / name).absolute())
    shutil.copytree((of or runs[0].test()).path, ensemble.path / folder)
    metrics = ensemble.path / folder / "metrics.json"
    content: dict[str, Any] = json.loads(metrics.read_text("utf-8"))
    del content["checkpoint"]
    members = [
        {"path": f"{run.experiment}/{run.path.name}", "checkpoint": {"epoch": epoch}}
        for run in runs
    ]
    content |= {
        "members": members,
        "tta": "mirror" if is_mirrored else None,
        "partial": False,
        "date": "2026-01-02T03:04:05+00:00",
    }
    metrics.write_text(json.dumps(content), "utf-8")
    return ensemble
