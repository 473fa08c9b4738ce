"""Everything below a folder of runs that can be deleted."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lightning_app.cleaning.caches import (
    UNUSED_DAYS,
    UsedArrays,
    cache_leftovers,
    unused_arrays,
    used_arrays,
)
from lightning_app.cleaning.checkpoints import last_checkpoints
from lightning_app.cleaning.removable import Group
from lightning_app.cleaning.unfinished import unfinished_files
from lightning_app.ensembles.folders import find_ensembles
from lightning_app.runs.folder import DEFAULT_ROOT, find_runs_below
from lightning_app.runs.record_values import RecordError

_DEFAULT_CACHE = Path("cache")


@dataclass(frozen=True)
class Plan:
    """What can be deleted.

    Attributes:
        groups: those that are not empty.
        remarks: what could not be found out.
    """

    groups: Sequence[Group]
    remarks: Sequence[str]

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(group.size for group in self.groups)

    @property
    def count(self) -> int:
        """Number of files and folders."""
        return sum(len(group.items) for group in self.groups)


def make_plan(root: Path) -> Plan:
    """Find what can be deleted below a folder of runs, and in the caches that these runs name.

    Raises:
        OSError: a cache cannot be read.
    """
    runs, remarks, arrays = find_runs_below(root), [], []
    try:
        used = used_arrays(runs, find_ensembles(root))
    except RecordError as error:
        used = UsedArrays()
        remarks.append(f"no cache was looked at, since it is unknown which this run uses: {error}")
    else:
        arrays = list(unused_arrays(_caches(root, used), used))
    leftovers = [*unfinished_files(root, runs), *cache_leftovers(_caches(root, used))]
    groups = (
        Group(
            "The last checkpoints of finished runs, which cannot be trained further without them:",
            list(last_checkpoints(runs)),
        ),
        Group(
            f"Slices that no run below '{root}' uses and nobody has opened for {UNUSED_DAYS} days:",
            arrays,
        ),
        Group("What killed commands left:", leftovers),
    )
    return Plan([group for group in groups if group.items], remarks)


def _caches(root: Path, used: UsedArrays) -> list[Path]:
    """The caches that runs name; for the default root also the default cache."""
    default = {_DEFAULT_CACHE} if root == Path(DEFAULT_ROOT) else set()
    folders = {path.absolute() for path in used.caches | default}
    return sorted(path for path in folders if path.is_dir())
