"""A folder with one label map for each case."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from data_modules.catalog.folders import is_image, stem_of
from data_modules.utils.errors import DataError
from data_modules.utils.problems import Problem
from lightning_app.results.predictions.label_map_folder import PICTURES, PROBABILITIES

_SHOWN = 3  # names in a message


@dataclass(frozen=True)
class MaskFolder:
    """The label maps in a folder.

    Attributes:
        path: the folder.
        option: that named it, for messages.
        masks: the file of each case, cases sorted.
        problems: files that cannot be told apart.
        not_read: names of its folders and of its images in other formats.
    """

    path: Path
    option: str
    masks: dict[str, Path]
    problems: list[Problem]
    not_read: list[str]

    @property
    def remarks(self) -> list[str]:
        """What in it is not read, in a line."""
        if not self.not_read:
            return []
        return [f"{self.option}: not read: {len(self.not_read)} ({_some(self.not_read)})"]


def list_masks(path: Path, option: str) -> MaskFolder:
    """The label maps directly in a folder; there may be none.

    Raises:
        DataError: it is not a folder.
        OSError: it cannot be listed.
    """
    if not path.is_dir():
        what = "is a file" if path.exists() else "does not exist"
        raise DataError(f"{option} '{path}' {what}, expected a folder of label maps")
    by_name: dict[str, list[Path]] = {}
    not_read = []
    for entry in sorted(path.resolve().iterdir()):
        stem = stem_of(entry)
        if entry.name.startswith(".") or entry.name in {PICTURES, PROBABILITIES}:
            continue
        if stem and not entry.is_dir():
            by_name.setdefault(stem.lower(), []).append(entry)  # as on a Mac's disk
        elif entry.is_dir() or is_image(entry):
            not_read.append(entry.name)
    problems = [problem for files in by_name.values() for problem in _problems(files)]
    masks = {str(stem_of(files[0])): files[0] for files in by_name.values() if _is_utf8(files[0])}
    return MaskFolder(path, option, dict(sorted(masks.items())), problems, not_read)


def read_mask_folder(path: Path, option: str) -> MaskFolder:
    """The same of a folder that must have label maps.

    Raises:
        DataError: it has none, or is not a folder.
    """
    folder = list_masks(path, option)
    if not folder.masks:
        has = _some(folder.not_read) or "no image"
        raise DataError(
            f"{option} '{path}' has no label map: expected files <case>.nii.gz directly in it; "
            f"it has {has}"
        )
    return folder


def _problems(files: list[Path]) -> Iterator[Problem]:
    first, *others = files
    case = str(stem_of(first))
    if others:
        what = f"case {case} has {len(files)} files: also {_some([path.name for path in others])}"
        yield Problem(case, str(first), what, "keep one of them")
    if not _is_utf8(first):
        yield Problem(case, str(first), "its name is not in UTF-8", "rename it")


def _is_utf8(path: Path) -> bool:
    """Whether ITK can open the file: any other name would end the process."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def _some(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
