"""The folders below a root, and the image files in them."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from data_modules.utils.errors import DataError

SEARCH_DEPTH = 4  # levels of folders below the root: release / part / grade / case
_LOWER_CASE = (".nii.gz", ".nii", ".mha")
ENDINGS = (*_LOWER_CASE, *map(str.upper, _LOWER_CASE))  # ITK refuses a mixture, such as .nii.GZ
PAIRS = (".hdr", ".img", ".img.gz")
# Images in other forms, and archives of them.
OTHER_ENDINGS = (
    *PAIRS, ".mhd", ".nrrd", ".nhdr", ".mgz", ".mgh", ".dcm", ".ima", ".tif", ".tiff", ".h5",
    ".hdf5", ".npy", ".npz", ".zip", ".tar", ".tar.gz", ".tgz", ".7z", ".rar",
)  # fmt: skip
_FROM_A_MAC = "__MACOSX"  # a zip archive's second tree: attributes of files, under their names


@dataclass(frozen=True)
class Folder:
    """A folder that was searched.

    Attributes:
        path: The folder.
        entries: What is in it, sorted, without hidden files. BRATS 2013 and 2015 give each file a
            folder of its own; these files count as entries.
    """

    path: Path
    entries: tuple[Path, ...]

    def images(self) -> dict[str, Path]:
        """Its files that the program can read, by name without extension.

        Of several with one name, in any case of letters, it has the first: compressed before
        uncompressed, as published.
        """
        images: dict[str, Path] = {}
        seen: set[str] = set()
        for path in reversed(self.entries):  # .nii.gz before .nii
            stem = stem_of(path)
            if stem is not None and stem.lower() not in seen:
                seen.add(stem.lower())
                images[stem] = path
        return images


@dataclass(frozen=True)
class Tree:
    """All folders that were searched.

    Attributes:
        root: The folder at the top.
        folders: It and the folders below it.
        too_deep: Folders that were not searched, because they lie too deep.
        closed: Folders that may not be listed, such as lost+found of a disk.
    """

    root: Path
    folders: tuple[Folder, ...]
    too_deep: tuple[Path, ...] = ()
    closed: tuple[Path, ...] = ()

    def image_files(self) -> list[Path]:
        """Every file that is named like an image or an archive, whether it can be read or not."""
        return [path for folder in self.folders for path in folder.entries if is_image(path)]

    def relative(self, path: Path) -> Path:
        """A path below the root, relative to it."""
        return path.relative_to(self.root)

    def show(self, paths: Iterable[Path], most: int = 3) -> str:
        """The first of some paths, relative to the root."""
        shown = sorted(str(self.relative(path)) for path in paths)
        return ", ".join(shown[:most]) + (", ..." if len(shown) > most else "")


def search(root: Path, levels: int = SEARCH_DEPTH) -> Tree:
    """List a folder and those below it: links are followed once, hidden folders skipped.

    Args:
        root: The folder.
        levels: How many levels below it are listed.

    Raises:
        DataError: The folder cannot be listed.
    """
    seen: set[tuple[int, int]] = set()
    folders: list[Folder] = []
    closed: list[Path] = []
    level = [root]
    for _ in range(levels + 1):
        below: list[Path] = []
        for path in level:
            status = path.stat()
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            try:
                entries = _entries(path)
            except DataError:
                if path == root:
                    raise
                closed.append(path)
                continue
            folders.append(Folder(path, _with_wrapped_files(entries)))
            below += [Path(entry.path) for entry in entries if _is_searched(entry)]
        level = below
    return Tree(root, tuple(folders), tuple(level), tuple(closed))


def stem_of(path: Path) -> str | None:
    """The name of a readable image file without its extension; None for any other file."""
    return next((path.name.removesuffix(e) for e in ENDINGS if path.name.endswith(e)), None)


def is_image(path: Path) -> bool:
    """Whether a file is named like an image or an archive, whether it can be read or not."""
    return path.name.lower().endswith((*_LOWER_CASE, *OTHER_ENDINGS))


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(
                (e for e in entries if not e.name.startswith(".") and e.name != _FROM_A_MAC),
                key=lambda entry: entry.name,
            )
    except OSError as error:
        raise DataError(f"folder '{folder}' cannot be listed: {error.strerror}") from None


def _with_wrapped_files(entries: Iterable[os.DirEntry[str]]) -> tuple[Path, ...]:
    paths = [Path(entry.path) for entry in entries]
    wrapped = [file for path in paths if _wraps_a_file(path.name) for file in path.glob("*")]
    return tuple(sorted([*paths, *wrapped]))


def _wraps_a_file(name: str) -> bool:
    return name.startswith("VSD.")


def _is_searched(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir() and not _wraps_a_file(entry.name)
    except OSError:  # a link to itself
        return False
