"""Which cached slices clean deletes."""

import gc
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lightning_app.runs.folder import find_runs
from tests.conftest import Program
from tests.helpers.runs.removable import FORMAT, cached, everything, finished_run
from tests.lightning_app.commands.listing.conftest import Command


def test_a_training_records_its_arrays_and_only_others_are_listed(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("fit", "--data.cache_dir", "cache") == 0
    used = {path.parent for path in Path("cache").glob("*/array.npy")}
    other = cached(f"t1c-{'0' * 16}", days=31)
    for folder in used:
        os.utime(folder / "index.json", (0, 0))
    (run,) = find_runs(Path("runs"))
    data = json.loads(run.environment.read_text("utf-8"))["data"]
    assert data["arrays"] == sorted(folder.name for folder in used)

    assert program("clean", "--yes") == 0
    assert not other.exists()
    assert all(folder.exists() for folder in used)

    shutil.rmtree(run.path)
    gc.collect()  # the training was in this process, which has the arrays open
    assert program("clean", "--yes") == 0
    assert not any(folder.exists() for folder in used)

    assert program("fit", "--data.cache_dir", "cache") == 0


def test_an_array_goes_once_nobody_has_opened_it_for_30_days(clean: Command) -> None:
    recent, old = cached(f"t2w-{'0' * 16}", days=29.9), cached(f"t2w-{'1' * 16}", days=30.1)
    assert f"{old.absolute()}" in clean()
    clean("--yes")
    assert recent.exists()
    assert not old.exists()


def test_a_run_of_an_earlier_version_keeps_every_array_of_its_modalities(clean: Command) -> None:
    finished_run(modality="t2f")
    names = ("t2f-0", "labels-0", "t2w-0")
    t2f, labels, t2w = (cached(f"{name}{'0' * 15}", days=99) for name in names)
    of_earlier_format = cached(f"t2f-{'1' * 16}", days=99, written=FORMAT - 1)
    clean("--yes")
    assert [f.exists() for f in (t2f, labels, t2w, of_earlier_format)] == [True, True, False, False]


def unreadable(path: Path) -> None:
    """As without permission, which root always has."""
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("record", ["config", "environment"])
@pytest.mark.parametrize("damage", [lambda path: path.write_text("{", "utf-8"), unreadable])
def test_arrays_stay_if_a_run_does_not_say_which_it_uses(
    damage: Callable[[Path], object], record: str, clean: Command
) -> None:
    run = finished_run()
    path = getattr(run, record)
    damage(path)
    old = cached(f"t2w-{'0' * 16}", days=99)
    note, *_ = clean("--yes").splitlines()
    reason = "no cache was looked at, since it is unknown which this run uses"
    assert note.startswith(f"Note: {reason}: {path}: ")
    assert old.exists()


def test_a_run_that_never_started_uses_no_array(clean: Command) -> None:
    Path("runs/unet_t2f/20260101-000000-aaaaaa").mkdir(parents=True)
    old = cached(f"t2w-{'0' * 16}", days=99)
    clean("--yes")
    assert not old.exists()


def test_the_cache_of_another_place_is_looked_at_if_a_run_names_it(
    clean: Command, tmp_path: Path
) -> None:
    finished_run(settings={"data": {"modalities": ["t2f"], "cache_dir": str(tmp_path / "fast")}})
    cached(f"t2w-{'0' * 16}", days=99)
    Path("cache").rename("fast")
    Path("fast", "notes").mkdir()
    before = everything()
    clean("--yes")
    gone = {path.parts[:2] for path in before.keys() - everything().keys()}
    assert ("fast", f"t2w-{'0' * 16}") in gone
    assert Path("fast", "notes").exists()


def test_the_default_cache_is_left_alone_if_other_runs_are_named(clean: Command) -> None:
    Path("others").mkdir()
    old = cached(f"t2w-{'0' * 16}", days=99)
    assert clean("others", "--yes") == "Nothing to delete below 'others'\n"
    assert old.exists()
