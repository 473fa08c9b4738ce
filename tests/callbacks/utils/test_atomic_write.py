"""Files and folders are written whole or not at all, with the permissions of the umask."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from callbacks.utils.atomic_write import atomic_folder, atomic_write
from tests.helpers.disk import Flushed, Renamed, record_disk


@contextmanager
def umask(value: int) -> Iterator[None]:
    before = os.umask(value)
    try:
        yield
    finally:
        os.umask(before)


@pytest.mark.parametrize("mask", [0o077, 0o022, 0o002])
def test_permissions_follow_the_umask(mask: int, tmp_path: Path) -> None:
    with umask(mask):
        with atomic_write(tmp_path / "file") as temporary:
            temporary.write_text("x")
        with atomic_folder(tmp_path / "folder"):
            pass
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o666 & ~mask
    assert (tmp_path / "folder").stat().st_mode & 0o777 == 0o777 & ~mask


def test_a_folder_that_has_been_moved_is_not_made_again(tmp_path: Path) -> None:
    path = tmp_path / "run" / "metrics.csv"
    with pytest.raises(FileNotFoundError, match=f"'{path}'"), atomic_write(path):
        pass
    folder = tmp_path / "run" / "test"
    with pytest.raises(FileNotFoundError, match=f"'{folder}'"), atomic_folder(folder):
        pass
    assert not path.parent.exists()


def test_a_folder_that_fails_leaves_the_one_before(tmp_path: Path) -> None:
    folder = tmp_path / "test"
    with atomic_folder(folder) as temporary:
        (temporary / "metrics.json").write_text("old")

    def fail() -> None:
        with atomic_folder(folder) as temporary:
            (temporary / "metrics.json").write_text("new")
            (temporary / "none").read_bytes()

    with pytest.raises(FileNotFoundError, match=f"'{folder}/none'"):
        fail()
    assert [path.name for path in tmp_path.iterdir()] == ["test"]
    assert (folder / "metrics.json").read_text() == "old"


def test_a_folder_whose_replacement_vanishes_is_put_back(tmp_path: Path) -> None:
    folder = tmp_path / "test"
    with atomic_folder(folder) as temporary:
        (temporary / "metrics.json").write_text("old")
    with pytest.raises(FileNotFoundError), atomic_folder(folder) as temporary:
        shutil.rmtree(temporary)
    assert [path.name for path in tmp_path.iterdir()] == ["test"]
    assert (folder / "metrics.json").read_text() == "old"


def test_a_folder_is_replaced_whole(tmp_path: Path) -> None:
    for name in ("one", "two"):
        with atomic_folder(tmp_path / "test") as temporary:
            (temporary / name).touch()
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")] == ["test", "test/two"]


def test_a_file_is_on_the_disk_before_it_is_renamed_and_then_its_name_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    events = record_disk(monkeypatch, tmp_path)
    with atomic_write(path) as temporary:
        temporary.write_bytes(b"new")
    assert events == [Flushed(temporary, b"new"), Renamed(temporary, path), Flushed(tmp_path)]


def test_the_files_in_a_folder_are_on_the_disk_before_it_is_renamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "test"
    events = record_disk(monkeypatch, tmp_path)
    with atomic_folder(folder) as temporary, atomic_write(temporary / "file") as unfinished:
        unfinished.write_bytes(b"new")
    assert events == [
        Flushed(unfinished, b"new"),
        Renamed(unfinished, temporary / "file"),
        Flushed(temporary),
        Renamed(temporary, folder),
        Flushed(tmp_path),
    ]


def test_a_mounted_folder_is_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.path.ismount", lambda path: path == tmp_path)
    with pytest.raises(OSError, match=f"name one in it: '{tmp_path}'"), atomic_folder(tmp_path):
        pytest.fail("the work has begun")


def test_if_the_folder_above_cannot_be_written_the_error_names_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "scores"
    folder.mkdir()

    def refuse(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(PermissionError) as caught, atomic_folder(folder):
        pass
    assert caught.value.filename == str(tmp_path)
