"""Disks that are full, read-only, or swept clean while the cache or a phantom is being built."""

import errno
import fcntl
import os
import shutil
from pathlib import Path

import pytest

from data_modules.cache import slice_cache as cache_module
from data_modules.cache.extraction import CaseSlices, ImageJob, LabelJob, read_slices
from data_modules.cache.memmap import SliceArray
from data_modules.cache.slice_cache import SliceCache
from data_modules.catalog.cases import Case, find_cases
from data_modules.io.nifti import check_complete
from data_modules.io.writers import write_label_map
from data_modules.phantom.options import PhantomOptions
from data_modules.utils.errors import DataError
from data_modules.utils.problems import Problem
from tests.helpers.disk import Flushed, Renamed, fill, make_read_only, record_disk, small_disk
from tests.helpers.toy import toy_labels, write_dataset, write_volume


@pytest.fixture
def cases(tmp_path: Path) -> list[Case]:
    return find_cases(write_dataset(tmp_path / "data", 8))


def labels(folder: Path, cases: list[Case], processes: int = 1) -> SliceArray:
    return SliceCache(folder, (40, 40), processes).labels(cases, "all", (1, 2, 3))


def folders(path: Path) -> list[Path]:
    return [entry for entry in path.iterdir() if entry.is_dir()] if path.is_dir() else []


@pytest.mark.parametrize("processes", [1, 2])
def test_a_full_disk_leaves_no_array_and_room_mends_it(
    processes: int, tmp_path: Path, cases: list[Case]
) -> None:
    with small_disk(tmp_path / "disk", kilobytes=256) as disk:
        (disk / "others").write_bytes(bytes(230 << 10))
        with pytest.raises(DataError, match=r"No space left on device.*free space there") as caught:
            labels(disk / "cache", cases, processes)
        assert str(caught.value).startswith(f"data.cache_dir '{disk}/cache'")
        assert "\n" not in str(caught.value)
        assert folders(disk / "cache") == []

        (disk / "others").unlink()
        assert len(labels(disk / "cache", cases, processes).indices) == 8


def test_a_disk_without_file_locks_is_not_called_full(
    tmp_path: Path, cases: list[Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(DataError, match=r"\(its file system has no file locks\): choose another"):
        labels(tmp_path / "cache", cases)


def test_an_array_is_on_the_disk_before_it_is_renamed(
    tmp_path: Path, cases: list[Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    events = record_disk(monkeypatch, tmp_path / "cache")
    labels(tmp_path / "cache", cases)

    *flushed, renamed = events
    assert isinstance(renamed, Renamed)
    files = [renamed.target / name for name in ("array.npy", "index.json")]
    assert flushed == [Flushed(renamed.source / file.name, file.read_bytes()) for file in files]


@pytest.mark.parametrize("call", ["fsync", "rename"])
def test_a_disk_that_refuses_at_the_last_moment_leaves_no_array(
    call: str, tmp_path: Path, cases: list[Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as injected:
        injected.setattr(os, call, refuse)
        with pytest.raises(DataError, match="No space left on device"):
            labels(tmp_path / "cache", cases)
    assert folders(tmp_path / "cache") == []

    assert len(labels(tmp_path / "cache", cases).indices) == 8


def test_a_read_only_disk_stops_a_build_and_serves_what_is_built(
    tmp_path: Path, cases: list[Case]
) -> None:
    with small_disk(tmp_path / "disk", kilobytes=1024) as disk:
        digest = labels(disk / "cache", cases).digest
        make_read_only(disk)

        assert labels(disk / "cache", cases).digest == digest
        for folder in (disk / "cache", disk / "new" / "cache"):
            with pytest.raises(DataError, match="Read-only file system"):
                labels(folder, cases[:4])


def test_a_cache_that_is_swept_away_while_it_is_built_is_one_line(
    tmp_path: Path, cases: list[Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    def sweep(job: LabelJob | ImageJob) -> CaseSlices | Problem:
        shutil.rmtree(tmp_path / "cache", ignore_errors=True)
        return read_slices(job)

    with monkeypatch.context() as injected:
        injected.setattr(cache_module, "read_slices", sweep)
        with pytest.raises(DataError, match="No such file or directory"):
            labels(tmp_path / "cache", cases)
    assert folders(tmp_path / "cache") == []

    assert len(labels(tmp_path / "cache", cases).indices) == 8


def test_a_file_that_vanishes_before_it_is_read_is_a_bad_case(
    tmp_path: Path, cases: list[Case]
) -> None:
    gone = cases[3].segmentation
    assert gone is not None
    gone.unlink()

    bad = labels(tmp_path / "cache", cases).bad

    assert list(bad) == [cases[3].id]
    assert bad[cases[3].id].file == str(gone)


@pytest.mark.parametrize("free", [0, 60 << 10])
def test_a_phantom_on_a_full_disk_stops_and_goes_on_when_there_is_room(
    free: int, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk", kilobytes=4096) as disk:
        filler = fill(disk)
        os.truncate(filler, filler.stat().st_size - free)
        with pytest.raises(DataError, match=r"data\.phantom: .*(No space left|may be full)"):
            PhantomOptions(cases=1, depth=1).make_below(disk)
        assert not list(disk.rglob("*.nii.gz"))
        assert not list(disk.rglob(".*.part"))

        filler.unlink()
        written = sorted(PhantomOptions(cases=1, depth=1).make_below(disk).rglob("*.nii.gz"))
        assert len(written) == 5
        for file in written:
            check_complete(file)


def test_a_label_map_on_a_full_disk_is_an_error_and_not_half_a_file(tmp_path: Path) -> None:
    like = write_volume(tmp_path / "like.nii.gz", toy_labels(0))
    with small_disk(tmp_path / "disk", kilobytes=64) as disk:
        fill(disk)
        with pytest.raises(OSError, match="No space left"):
            write_label_map(disk / "mask.nii.gz", toy_labels(0), like=like)
        assert not (disk / "mask.nii.gz").exists()
