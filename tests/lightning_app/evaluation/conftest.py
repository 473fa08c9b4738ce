"""Two cases of a few voxels, and their perfect masks."""

from pathlib import Path

import pytest

from tests.helpers.masks import tumour, write_masks


@pytest.fixture(autouse=True)
def _in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Worker processes take seconds to start."""
    monkeypatch.setattr("lightning_app.evaluation.plan.cores", lambda: 1)


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    return write_masks(tmp_path / "truth", {"A": tumour(), "B": tumour()})


@pytest.fixture
def masks(tmp_path: Path) -> Path:
    return write_masks(tmp_path / "masks", {"A": tumour(), "B": tumour()})


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "scores"
