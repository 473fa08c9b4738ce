"""The arrays of the slice cache that no run uses and nobody has opened for a month."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from data_modules.cache.array_index import is_of_earlier_version
from data_modules.cache.array_use import is_in_use, last_opened
from data_modules.cache.stored_arrays import (
    ARRAYS_KEY,
    delete_array,
    delete_leftover,
    leftovers,
    stored_arrays,
)
from data_modules.utils.disk_usage import disk_usage
from lightning_app.cleaning.removable import Removable
from lightning_app.runs.folder import ResultFolder, Run, run_config
from lightning_app.runs.record_values import Values
from lightning_app.runs.records import read_record

UNUSED_DAYS = 30
_DAY_S = 24 * 3600


@dataclass
class UsedArrays:
    """The arrays that runs use.

    Attributes:
        caches: the folders of their caches.
        names: of arrays.
        kinds: such as labels and t1c; a run of an earlier version, which names no array, may use
            every array of these kinds.
    """

    caches: set[Path] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    kinds: set[str] = field(default_factory=set)

    def __contains__(self, array: Path) -> bool:
        """Whether a run uses an array."""
        of_kind = array.name.rpartition("-")[0] in self.kinds
        return array.name in self.names or (of_kind and not is_of_earlier_version(array))


def used_arrays(runs: Sequence[Run], ensembles: Sequence[ResultFolder] = ()) -> UsedArrays:
    """The arrays that runs use, and those on which ensembles of them were tested.

    Raises:
        RecordError: a run does not tell, because a record cannot be read.
    """
    used = UsedArrays()
    for ensemble in ensembles:
        for test in (ensemble.test(), *ensemble.other_tests()):
            with suppress(FileNotFoundError):
                data = Values(read_record(test.metrics), test.metrics).values("data")
                used.names.update(data.texts(ARRAYS_KEY) if data.has(ARRAYS_KEY) else ())
    for run in runs:
        with suppress(FileNotFoundError):  # nothing can be done with a run without a config
            _add(Values(run_config(run), run.config).values("data"), run, used)
    return used


def _add(options: Values, run: Run, used: UsedArrays) -> None:
    used.caches.add(Path(options.text("cache_dir", "cache")))
    tests = (run.test(), *run.other_tests())
    for path in (run.environment, *(test.metrics for test in tests)):
        with suppress(FileNotFoundError):
            data = Values(read_record(path), path).values("data")
            if data.has(ARRAYS_KEY):
                used.names.update(data.texts(ARRAYS_KEY))
            else:
                used.kinds.update(["labels", *options.texts("modalities")])


def unused_arrays(caches: Iterable[Path], used: UsedArrays) -> Iterator[Removable]:
    """The arrays in some caches that no run uses, no process uses, and nobody has opened lately."""
    for cache in caches:
        for array in stored_arrays(cache):
            with suppress(OSError):  # deleted by now, or not ours to delete
                opened = last_opened(array)
                is_old = time.time() - opened > UNUSED_DAYS * _DAY_S
                if is_old and array not in used and not is_in_use(array):
                    yield Removable(array, disk_usage(array), partial(delete_array, array, opened))


def cache_leftovers(caches: Iterable[Path]) -> Iterator[Removable]:
    """What killed builds and deletions left in some caches."""
    for cache in caches:
        for path in leftovers(cache):
            yield Removable(path, disk_usage(path), partial(delete_leftover, path))
