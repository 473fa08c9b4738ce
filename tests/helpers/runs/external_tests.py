"""Tests of toy runs on other data."""

import json
import tempfile
from pathlib import Path
from typing import Any

from lightning_app.runs.folder import Run, TestFolder
from tests.helpers.runs.toy_runs import Sizes, ToyRun


def add_external_test(
    run: Run,
    cases: Sizes,
    *,
    folder: str = "test-other-split",
    data: dict[str, Any] | None = None,
    partial: object = False,
    patients_trained_on: int = 0,
) -> TestFolder:
    """Write a test of a run on other data.

    Args:
        run: the run.
        cases: as of a ToyRun.
        folder: name of its folder in the run's.
        data: what differs in its record of the data.
        partial: whether a part was tested, as recorded; None for an earlier version.
        patients_trained_on: as recorded.
    """
    other = {"fingerprint": "other", "split": "other", "root": "/data/hospital"}
    with tempfile.TemporaryDirectory(dir=run.path.parents[1]) as temporary:
        written = ToyRun(cases, data={**other, **(data or {})}).write(Path(temporary)).test()
        content = json.loads(written.metrics.read_text("utf-8"))
        content["patients_trained_on"] = patients_trained_on
        if partial is not None:
            content["partial"] = partial
        written.metrics.write_text(json.dumps(content), "utf-8")
        written.path.rename(run.path / folder)
    return TestFolder(run.path / folder)
