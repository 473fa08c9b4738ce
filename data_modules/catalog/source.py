"""Where patients come from: an id names the same patient only within one source."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

MANIFEST = "phantom.json"  # a file of each phantom


@dataclass(frozen=True)
class Source:
    """Files, or the phantom of a seed.

    Phantoms of all seeds have the same ids. Two phantoms of a seed have the same patients, whatever
    their numbers of cases and slices.

    Attributes:
        kind: phantom or files.
        seed: of the phantom, as text, because JSON has no numbers of any size; None for files, and
            if it is not known.
    """

    kind: str
    seed: str | None = None

    @property
    def is_phantom(self) -> bool:
        """Whether any case is synthetic."""
        return self.kind == "phantom"

    @property
    def in_words(self) -> str:
        """What the data are, for tables."""
        return "synthetic phantom" if self.is_phantom else "files"

    def shares_patients_with(self, other: "Source") -> bool:
        """Whether a patient of this source may be the patient with the same id in the other."""
        unknown = None in (self.seed, other.seed)
        return self.kind == other.kind and (unknown or self.seed == other.seed)


def source_of(case_folders: Iterable[Path]) -> Source:
    """The source of the cases in these folders."""
    folders = {folder.parent for folder in case_folders}
    phantoms = {folder for folder in folders if (folder / MANIFEST).is_file()}
    if not phantoms:
        return Source("files")
    seeds = {seed_in(folder) for folder in phantoms}
    return Source("phantom", seeds.pop() if len(seeds) == 1 else None)


def seed_in(phantom: Path) -> str | None:
    """The seed of the phantom in a folder; None if its manifest is not there or damaged."""
    try:
        content = json.loads((phantom / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    seed = content.get("seed") if isinstance(content, dict) else None
    return str(seed) if type(seed) is int else None
