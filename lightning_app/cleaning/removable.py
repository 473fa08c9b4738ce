"""Something that can be deleted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Removable:
    """A file or folder that can be deleted.

    Attributes:
        path: the file or folder.
        size: in bytes.
        delete: deletes it unless it is in use by now, and returns whether it did; raises OSError if
            it may not be deleted or is not there any more.
    """

    path: Path
    size: int
    delete: Callable[[], bool]


@dataclass(frozen=True)
class Group:
    """What can be deleted for one reason.

    Attributes:
        title: what it is, and what its deletion means.
        items: what can be deleted.
    """

    title: str
    items: Sequence[Removable]

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(item.size for item in self.items)
