"""Which arrays of a cache are deleted, and when an array counts as opened."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from data_modules.cache.array_use import is_in_use, last_opened
from data_modules.cache.memmap import SliceArray
from data_modules.cache.slice_cache import SliceCache
from data_modules.cache.stored_arrays import (
    array_lock,
    delete_array,
    delete_leftover,
    leftovers,
    stored_arrays,
)
from data_modules.catalog.cases import find_cases
from tests.helpers.paths import ROOT
from tests.helpers.toy import write_dataset

LONG_AGO = 1_000_000.0


@pytest.fixture
def array(tmp_path: Path) -> Path:
    """The folder of an array that was opened long ago."""
    opened = labels(tmp_path)
    folder = opened.file.path.parent
    os.utime(folder / "index.json", (LONG_AGO, LONG_AGO))
    return folder


def labels(tmp_path: Path) -> SliceArray:
    root = tmp_path / "data"
    cases = find_cases(root if root.exists() else write_dataset(root, 2))
    return SliceCache(tmp_path / "cache", (40, 40)).labels(cases, "middle", (1, 2, 3))


def test_opening_an_array_is_recorded_and_changes_nothing_else(array: Path, tmp_path: Path) -> None:
    before = [(array / name).read_bytes() for name in ("array.npy", "index.json")]
    stamp = (array / "array.npy").stat().st_mtime_ns
    assert last_opened(array) == LONG_AGO
    labels(tmp_path)
    assert last_opened(array) > LONG_AGO
    assert (array / "array.npy").stat().st_mtime_ns == stamp
    assert [(array / name).read_bytes() for name in ("array.npy", "index.json")] == before


def test_an_array_is_in_use_while_a_process_has_it_open(array: Path, tmp_path: Path) -> None:
    assert not is_in_use(array)
    script = (
        "import sys; from pathlib import Path; from data_modules.cache.memmap import open_array;"
        "array = open_array(Path(sys.argv[1])); print(flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(array)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, cwd=ROOT) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert is_in_use(array)
        assert not delete_array(array, last_opened(array))
        assert process.stdin is not None
        process.stdin.close()
    assert not is_in_use(array)
    assert delete_array(array, last_opened(array))
    assert stored_arrays(tmp_path / "cache") == []


def test_an_array_that_was_opened_meanwhile_stays(array: Path) -> None:
    assert not delete_array(array, LONG_AGO - 1)
    assert delete_array(array, LONG_AGO)
    with pytest.raises(FileNotFoundError):  # as for the second of two processes
        delete_array(array, LONG_AGO)


def test_an_array_that_is_being_built_stays(array: Path) -> None:
    with array_lock(array):
        assert not delete_array(array, LONG_AGO)
    assert array.exists()


def test_a_deleted_array_is_prepared_again(array: Path, tmp_path: Path) -> None:
    digest = labels(tmp_path).digest
    os.utime(array / "index.json", (LONG_AGO, LONG_AGO))
    assert delete_array(array, LONG_AGO)
    assert labels(tmp_path).digest == digest
    assert array.exists()


def test_only_folders_that_hold_an_array_and_nothing_else_are_arrays(
    array: Path, tmp_path: Path
) -> None:
    cache = array.parent
    notes = cache / f"t1c-{'0' * 16}"
    notes.mkdir()
    for name in ("array.npy", "index.json", "notes.txt"):
        (notes / name).touch()
    (cache / f"t1c-{'1' * 16}").symlink_to(array)
    (cache / f"t1c-{'2' * 16}").mkdir()
    (tmp_path / "cache" / "phantom-60-cases").mkdir()
    assert stored_arrays(cache) == [array]


def test_leftovers_are_what_nobody_is_at(tmp_path: Path) -> None:
    left, built = (tmp_path / f"t1c-{digit * 16}.part" for digit in "01")
    for folder in (left, built, tmp_path / "film.part"):
        folder.mkdir()
    (tmp_path / f"t1c-{'2' * 16}.part").symlink_to(tmp_path)
    with array_lock(built):
        assert list(leftovers(tmp_path)) == [left]
        assert not delete_leftover(built)
        assert delete_leftover(left)
    with pytest.raises(FileNotFoundError):
        delete_leftover(left)
    assert built.exists()
    assert not left.exists()
