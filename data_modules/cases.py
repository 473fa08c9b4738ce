"""Which cases and patients lie below a root."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from data_modules.conventions import ENDINGS, Release, patient_of, release_of, releases_named
from data_modules.errors import DataError

SEARCH_DEPTH = 4  # levels of folders below the root: release / part / grade / case


@dataclass(frozen=True)
class Case:
    """One scan of one patient.

    Attributes:
        id: the name of its folder.
        patient: who was scanned; a patient may have several cases.
        folder: where its files are.
        release: the convention that its files follow.
        images: the file of each modality that is there.
        segmentation: the file of the labels, None where there is none.
    """

    id: str
    patient: str
    folder: Path
    release: Release
    images: Mapping[str, Path]
    segmentation: Path | None


def find_cases(root: Path, release: str = "auto", option: str = "data.root") -> list[Case]:
    """Find every case in a folder and the folders below it, sorted by id.

    Args:
        root: the folder; it may lie a level or two above the cases, or be a case itself.
        release: name of a row of the table of conventions, or ``auto``.
        option: what the root is called in errors.

    Raises:
        DataError: the root is not a folder, holds no case, or holds one case id twice.
    """
    releases = releases_named(release)
    if not root.is_dir():
        raise DataError(f"{option} '{root}' is not a folder")
    cases = [c for folder in _folders(root.resolve()) if (c := _case_in(folder, releases))]
    if not cases:
        raise DataError(_nothing_found(root, release))
    cases.sort(key=lambda case: case.id)
    for one, other in pairwise(cases):
        if one.id == other.id:
            places = f"{one.folder} and {other.folder}"
            raise DataError(f"case {one.id} is there twice: in {places}")
    return cases


def check_case_id(case_id: str) -> None:
    """Refuse an id that is no plain file name: results are written to files named by it.

    Raises:
        DataError: it is empty, holds ``..``, a separator or what cannot be printed, or begins like
            a formula, which a spreadsheet would carry out.
    """
    plain = case_id.isprintable() and not set(case_id) & {"/", "\\", ":"} and ".." not in case_id
    if not plain or not case_id or case_id[0] in "=+-@.":
        raise DataError(
            f"case id {case_id!r}, the name of a folder: expected one that begins with a letter or "
            "a number, without '..', separators and line ends; rename the folder and its files"
        )


def missing_files(case: Case, modalities: Sequence[str]) -> str | None:
    """What a case lacks of that which training needs, in words; None where nothing is missing."""
    lacking = [modality for modality in modalities if modality not in case.images]
    if lacking:
        there = ", ".join(case.images) or "no image at all"
        return f"has no {' and no '.join(lacking)} image, only {there}"
    return "has no segmentation" if case.segmentation is None else None


def _folders(root: Path) -> Iterator[Path]:
    """The root and the folders below it, links followed once, hidden ones left out."""
    seen: set[tuple[int, int]] = set()
    level = [root]
    for _ in range(SEARCH_DEPTH + 1):
        below: list[Path] = []
        for folder in level:
            status = folder.stat()
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            yield folder
            try:
                with os.scandir(folder) as entries:
                    below += [Path(entry.path) for entry in entries if _is_folder(entry)]
            except OSError as error:
                raise DataError(f"folder '{folder}' cannot be listed: {error.strerror}") from None
        level = below


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir() and not entry.name.startswith(".")
    except OSError:  # a link to itself
        return False


def _case_in(folder: Path, releases: tuple[Release, ...]) -> Case | None:
    files = {stem: path for path in folder.iterdir() if (stem := _stem(path)) is not None}
    case_id = folder.name
    release = release_of(case_id, set(files), releases)
    if release is None:
        # An empty folder with the name of a case is a case whose files are missing.
        release = next((one for one in releases if one.case_id.fullmatch(case_id)), None)
    if release is None:
        return None
    check_case_id(case_id)
    stems = (case_id + release.segmentation, *release.misnamed_segmentations)
    return Case(
        id=case_id,
        patient=patient_of(case_id),
        folder=folder,
        release=release,
        images={m: files[case_id + s] for m, s in release.images.items() if case_id + s in files},
        segmentation=next((files[stem] for stem in stems if stem in files), None),
    )


def _stem(path: Path) -> str | None:
    """The name of an image file without its ending; None for any other file."""
    return next((path.name.removesuffix(e) for e in ENDINGS if path.name.endswith(e)), None)


def _nothing_found(root: Path, release: str) -> str:
    names = sorted(path.name for path in root.iterdir())
    shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "") if names else "nothing"
    asked = "" if release == "auto" else f" of release {release}"
    return (
        f"no case{asked} found in '{root}' or {SEARCH_DEPTH} levels below it; it holds: {shown}; "
        "expected folders such as BraTS-GLI-00000-000/ with BraTS-GLI-00000-000-t1c.nii.gz in them"
    )
