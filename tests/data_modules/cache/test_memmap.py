"""Damage to an array of the cache: before it is opened it is built anew, in use it ends the run."""

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from data_modules.cache.memmap import SliceArray
from data_modules.cache.slice_cache import SliceCache
from data_modules.catalog.cases import Case, find_cases
from data_modules.dataset import SliceDataset
from data_modules.utils.errors import DataError
from tests.helpers.toy import write_dataset


@pytest.fixture
def cases(tmp_path: Path) -> list[Case]:
    return find_cases(write_dataset(tmp_path / "data", 2))


def opened(tmp_path: Path, cases: list[Case]) -> SliceArray:
    return SliceCache(tmp_path / "cache", (40, 40)).labels(cases, "middle", (1, 2, 3))


def array_file(tmp_path: Path) -> Path:
    (path,) = (tmp_path / "cache").glob("labels-*/array.npy")
    return path


def later(path: Path) -> None:
    """Make sure that a change shows in the file's time: the system's clock ticks coarsely."""
    time = path.stat().st_mtime_ns + 1
    os.utime(path, ns=(time, time))


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def empty(path: Path) -> None:
    os.truncate(path, 0)


def overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(-1600, os.SEEK_END)
        file.write(bytes([3]) * 1600)
    later(path)


def zero_half(path: Path) -> None:
    """As a failing disk may, which keeps size and time."""
    status = path.stat()
    with path.open("r+b") as file:
        file.seek(status.st_size // 2)
        file.write(bytes(status.st_size - file.tell()))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def write_into_blank_row(path: Path) -> None:
    values = np.load(path, mmap_mode="r+")
    values[0, 5, 5] = 1


def of_another_dtype(path: Path) -> None:
    np.save(path, np.load(path).astype(np.int8))
    later(path)


def of_another_shape(path: Path) -> None:
    np.save(path, np.load(path).reshape(-1, 80, 20))
    later(path)


def become_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def change_index(path: Path, change: Callable[[dict[str, object]], object]) -> None:
    index = path.with_name("index.json")
    index.write_text(json.dumps(change(json.loads(index.read_text("utf-8")))), "utf-8")


DAMAGE: dict[str, Callable[[Path], object]] = {
    "array missing": Path.unlink,
    "array truncated": truncate,
    "array empty": empty,
    "array overwritten": overwrite,
    "half of the array zeroed": zero_half,
    "blank row written to": write_into_blank_row,
    "array of another dtype": of_another_dtype,
    "array of another shape": of_another_shape,
    "array a folder": become_a_folder,
    "index missing": lambda path: path.with_name("index.json").unlink(),
    "index empty": lambda path: path.with_name("index.json").write_bytes(b""),
    "index half": lambda path: os.truncate(path.with_name("index.json"), 30),
    "index no text": lambda path: path.with_name("index.json").write_bytes(b"\xff\xfe\x00"),
    "index a list": lambda path: change_index(path, lambda _: [1, 2]),
    "index a number": lambda path: change_index(path, lambda _: 7),
    "index without cases": lambda path: change_index(path, lambda i: {**i, "cases": None}),
    "index without digest": lambda path: change_index(
        path, lambda i: {k: v for k, v in i.items() if k != "digest"}
    ),
    "index without checksum": lambda path: change_index(
        path, lambda i: {k: v for k, v in i.items() if k != "checksum"}
    ),
    "index with another spacing": lambda path: path.with_name("index.json").write_bytes(
        path.with_name("index.json").read_bytes().replace(b'"spacing": [1.0', b'"spacing": [1.5')
    ),
    "a case without slices": lambda path: change_index(
        path, lambda i: {**i, "cases": {"BraTS-GLI-00000-000": {"spacing": [1, 1, 1]}}}
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_an_array_that_was_damaged_is_built_anew(
    damage: str, tmp_path: Path, cases: list[Case]
) -> None:
    before = opened(tmp_path, cases)
    values, digest = np.array(before.values), before.digest
    DAMAGE[damage](array_file(tmp_path))

    after = opened(tmp_path, cases)

    np.testing.assert_array_equal(after.values, values)
    assert after.values.dtype == values.dtype
    assert after.digest == digest
    assert list(after.indices) == [case.id for case in cases]
    assert not list((tmp_path / "cache").glob("*.part"))


def test_a_damaged_array_is_reported(
    tmp_path: Path, cases: list[Case], caplog: pytest.LogCaptureFixture
) -> None:
    opened(tmp_path, cases)
    zero_half(array_file(tmp_path))
    assert not caplog.records
    opened(tmp_path, cases)
    (record,) = caplog.records
    folder = array_file(tmp_path).parent
    assert record.message == f"The slices in '{folder}' are damaged: preparing them again"


def test_an_array_that_was_not_damaged_is_not_built_anew(tmp_path: Path, cases: list[Case]) -> None:
    opened(tmp_path, cases)
    later(array_file(tmp_path))  # a copy may have another time
    built = array_file(tmp_path).stat()

    opened(tmp_path, cases)

    assert array_file(tmp_path).stat().st_ino == built.st_ino


def batches(array: SliceArray, cases: list[Case]) -> SliceDataset:
    return SliceDataset(cases, [array], array)


@pytest.mark.parametrize("damage", [truncate, empty, overwrite])
def test_an_array_that_changes_in_use_ends_in_words(
    damage: Callable[[Path], None], tmp_path: Path, cases: list[Case]
) -> None:
    dataset = batches(opened(tmp_path, cases), cases)
    dataset.gather([0, 1])
    damage(array_file(tmp_path))

    uses: list[Callable[[], object]] = [
        lambda: dataset.gather([1]),
        dataset.label_counts,
        lambda: dataset.most_of([1]),
    ]
    for use in uses:
        with pytest.raises(DataError, match=r"array\.npy' was changed .* fit --resume") as caught:
            use()
        assert str(array_file(tmp_path)) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_an_array_that_is_deleted_or_replaced_in_use_can_still_be_read(
    tmp_path: Path, cases: list[Case]
) -> None:
    array = opened(tmp_path, cases)
    expected = batches(array, cases)[1]["labels"]
    array_file(tmp_path).unlink()
    assert batches(array, cases)[1]["labels"].equal(expected)

    opened(tmp_path, cases)  # as another run would, which builds it anew
    assert batches(array, cases)[1]["labels"].equal(expected)


def test_another_process_maps_the_file_and_is_sent_no_values(
    tmp_path: Path, cases: list[Case]
) -> None:
    array = opened(tmp_path, cases)

    pickled = pickle.dumps(array.file)

    assert len(pickled) < 1000
    assert isinstance(pickle.loads(pickled).values, np.memmap)  # noqa: S301 (our own bytes)
    np.testing.assert_array_equal(pickle.loads(pickled).values, array.values)  # noqa: S301
