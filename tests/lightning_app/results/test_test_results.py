"""The folder of a test is there as a whole, or as the test before has left it."""

import errno
from pathlib import Path

import pytest

from lightning_app.results import test_results
from lightning_app.runs.folder import Run, find_runs
from tests.conftest import Program
from tests.helpers.unfinished import unfinished_of_dead_process

FILES = [
    "cases.csv", "cases.png", "images.npz", "masks.npz", "metrics.json", "slices.csv",
    "timing.json", "volumes.csv",
]  # fmt: skip


@pytest.fixture
def run(program: Program) -> Run:
    assert program("fit") == 0
    (run,) = find_runs(Path("runs"))
    return run


def full_disk(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("writer", ["write_timing", "write_slices", "write_volumes"])
def test_a_test_that_fails_while_it_writes_leaves_nothing(
    writer: str, program: Program, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = names(run.path)
    monkeypatch.setattr(test_results, writer, full_disk)
    assert program("test") == 2
    assert names(run.path) == before


def test_a_second_test_replaces_its_own_files_and_keeps_all_others(
    program: Program, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = unfinished_of_dead_process(run.test().path)
    left.mkdir()
    assert program("test") == 0
    assert not left.exists()
    assert names(run.test().path) == FILES

    (run.test().path / "notes").mkdir()
    (run.test().path / "notes" / "cases.csv").write_text("mine")
    before = run.test().metrics.read_bytes()
    with monkeypatch.context() as injected:
        injected.setattr(test_results, "write_volumes", full_disk)
        assert program("test") == 2
    assert run.test().metrics.read_bytes() == before

    run.test().slices.write_text("damaged")
    assert program("test") == 0
    assert names(run.test().path) == sorted([*FILES, "notes"])
    assert (run.test().path / "notes" / "cases.csv").read_text() == "mine"
    assert run.test().slices.read_text() != "damaged"
