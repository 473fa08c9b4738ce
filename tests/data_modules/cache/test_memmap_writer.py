from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from data_modules.cache.array_index import INDEX, read_index, write_index
from data_modules.cache.extraction import CaseSlices
from data_modules.cache.memmap import SliceArray, open_array
from data_modules.cache.memmap_writer import ArrayBuilding, StoredCase
from data_modules.utils.problems import Problem
from data_modules.utils.process_pool import run_in_order
from tests.helpers.disk import Flushed, record_disk

SIZE = (6, 5)
CASES = range(24)


def part(number: int, first: float = 0) -> CaseSlices:
    """A case of 0 to 4 slices, whose values say which case it is."""
    indices = np.arange(number % 5) * 2 + 1
    values = np.full((len(indices), *SIZE), number + 1, np.float64)
    values[:1, 0, 0] = first
    return CaseSlices(f"case-{number}", indices, values, (1, 1, 2), (5, 6, 9), (0, 1, 2))


def begun(folder: Path) -> ArrayBuilding:
    folder.mkdir()
    array = ArrayBuilding(folder, np.dtype(np.float16), SIZE)
    array.begin()
    return array


def opened(folder: Path) -> SliceArray:
    array = open_array(folder)
    assert array is not None
    return array


def built(folder: Path, parts: Sequence[CaseSlices]) -> SliceArray:
    """The parts written backwards, and told forwards."""
    array = begun(folder)
    stored = [array.add(one) for one in reversed(parts)]
    array.finish(reversed(stored))
    return opened(folder)


def slices_of(array: SliceArray, case: str) -> NDArray[Any]:
    return array.values[array.rows(case, array.indices[case])]


def test_cases_lie_as_they_were_done_and_are_listed_as_they_were_wanted(tmp_path: Path) -> None:
    array = built(tmp_path / "array", [part(n) for n in CASES])

    assert list(array.indices) == [f"case-{n}" for n in CASES]
    assert array.first_row["case-23"] == 1
    assert array.first_row["case-22"] == 1 + len(part(23).indices)
    for number in CASES:
        assert array.indices[f"case-{number}"].tolist() == part(number).indices.tolist()
        np.testing.assert_array_equal(slices_of(array, f"case-{number}"), part(number).values)
    assert not array.values[0].any()
    assert len(array.values) == 1 + sum(number % 5 for number in CASES)


def test_processes_write_at_once(tmp_path: Path) -> None:
    array = begun(tmp_path / "array")
    array.finish(run_in_order(array.add, map(part, CASES), 2))

    done = opened(tmp_path / "array")
    for number in CASES:
        np.testing.assert_array_equal(slices_of(done, f"case-{number}"), part(number).values)
    assert done.digest == built(tmp_path / "alone", [part(n) for n in CASES]).digest
    assert {path.name for path in (tmp_path / "array").iterdir()} == {"array.npy", "index.json"}


def test_the_digest_is_of_values_indices_and_cases(tmp_path: Path) -> None:
    whole = [part(n) for n in (1, 2, 3)]
    variants = {
        "same": whole,
        "value": [part(1), part(2, first=9), part(3)],
        "case": [part(1), part(2), part(8)],  # as many slices, of another case
        "fewer": whole[:2],
    }
    digests = {name: built(tmp_path / name, parts).digest for name, parts in variants.items()}
    assert built(tmp_path / "again", whole).digest == digests["same"]
    assert len(set(digests.values())) == len(variants)


def test_bad_cases_take_no_rows(tmp_path: Path) -> None:
    array = begun(tmp_path / "array")
    problem = Problem("bad", "file", "is empty", "copy it")
    parts: list[StoredCase | Problem] = [array.add(part(3)), problem, array.add(part(4))]
    array.finish(parts)

    done = opened(tmp_path / "array")
    assert dict(done.bad) == {"bad": problem}
    assert (done.first_row["case-3"], done.first_row["case-4"]) == (1, 4)


def test_a_finished_array_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events = record_disk(monkeypatch, tmp_path)
    built(tmp_path / "array", [part(1), part(2)])

    files = [tmp_path / "array" / name for name in ("array.npy", "index.json")]
    assert events == [Flushed(file, file.read_bytes()) for file in files]


@pytest.mark.parametrize("row", [0, 2, 3, -1, 10**9])
def test_rows_that_do_not_tile_the_array_are_not_opened(tmp_path: Path, row: int) -> None:
    built(tmp_path / "array", [part(1), part(2)])
    file = tmp_path / "array" / INDEX
    index = read_index(file)
    assert index["cases"]["case-2"]["row"] == 1
    index["cases"]["case-2"]["row"] = row
    write_index(file, index)

    assert open_array(tmp_path / "array") is None
