"""Finding the cases and patients in a folder."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from data_modules.catalog.releases import ENDINGS, Release, patient_of, release_of, releases_named
from data_modules.utils.errors import DataError
from data_modules.utils.problems import COPY_AGAIN, Problem

STACKS = {
    "imagesTr": "labelsTr",
    "imagesTs": "labelsTs",
}  # folder of 4-D files: folder of their labels
SEARCH_DEPTH = 4  # levels of folders below the root: release / part / grade / case


@dataclass(frozen=True)
class Case:
    """One scan of one patient.

    Attributes:
        id: The name of its folder.
        patient: Who was scanned; a patient may have several cases.
        folder: The folder of its files.
        release: The release whose conventions its files follow.
        images: The file of each available modality.
        segmentation: The file of the labels, if there is one.
        problems: What is wrong with how its files are stored.
    """

    id: str
    patient: str
    folder: Path
    release: Release
    images: Mapping[str, Path]
    segmentation: Path | None
    problems: tuple[Problem, ...] = ()

    def channel(self, modality: str) -> int | None:
        """Index of a modality in its 4-D file; None for a 3-D file."""
        return self.release.channels.get(modality)


def find_cases(root: Path, release: str = "auto", option: str = "data.root") -> list[Case]:
    """Find every case in a folder and the folders below it, sorted by id.

    Duplicates of a case are returned as one case with a problem.

    Args:
        root: The folder: a case itself, or a few levels above the cases.
        release: Name of a release, or ``auto``.
        option: Name of the root in error messages.

    Raises:
        DataError: The root is not a folder, has no case, or a name is not in UTF-8.
    """
    releases = releases_named(release)
    if not root.is_dir():
        raise DataError(f"{option} '{root}' is not a folder")
    cases = [c for folder in _folders(root.resolve()) for c in _cases_in(folder, releases)]
    if not cases:
        raise DataError(_no_case(root, release))
    by_id: dict[str, list[Case]] = {}
    for case in cases:
        _check_encoding(case.folder)
        by_id.setdefault(case.id, []).append(case)
    return [_merge_copies(by_id[case_id]) for case_id in sorted(by_id)]


def check_case_id(case_id: str) -> None:
    """Check that an id is a plain file name: it names the files that results are written to.

    Raises:
        DataError: It is empty, contains ``..``, a separator or an unprintable character, or begins
            like a formula, which a spreadsheet would execute.
    """
    plain = case_id.isprintable() and not set(case_id) & {"/", "\\", ":"} and ".." not in case_id
    if not plain or not case_id or case_id[0] in "=+-@.":
        raise DataError(
            f"case id {case_id!r}, the name of a folder: expected a name that begins with a letter "
            "or a digit, without '..', separators and line breaks; rename the folder and its files"
        )


def _check_encoding(folder: Path) -> None:
    """Check that a path is in UTF-8: any other would end the process inside ITK."""
    try:
        str(folder).encode()
    except UnicodeEncodeError:
        raise DataError(
            f"folder {str(folder)!r} has a name that is not in UTF-8: rename it"
        ) from None


def missing_files(case: Case, modalities: Sequence[str]) -> Problem | None:
    """What training needs and a case lacks; None if nothing is missing."""
    missing = [modality for modality in modalities if modality not in case.images]
    if missing:
        available = ", ".join(case.images) or "no image at all"
        what = f"has no {' and no '.join(missing)} image, only {available}"
    elif case.segmentation is None:
        what = "has no segmentation"
    else:
        return None
    return Problem(case.id, str(case.folder), what, f"{COPY_AGAIN}, or leave the case out")


def _merge_copies(copies: list[Case]) -> Case:
    """A case that was found once or more; with a problem if it was found more than once."""
    first, *others = sorted(copies, key=lambda case: case.folder)
    if not others:
        return first
    folders = ", ".join(str(case.folder) for case in others)
    what = f"case {first.id} was found {len(copies)} times: also in {folders}"
    problem = Problem(first.id, str(first.folder), what, "keep one of the copies")
    return replace(first, problems=(*first.problems, problem))


def _folders(root: Path) -> Iterator[Path]:
    """The root and the folders below it: links are followed once, hidden folders skipped."""
    seen: set[tuple[int, int]] = set()
    level = [root]
    for _ in range(SEARCH_DEPTH + 1):
        below: list[Path] = []
        for folder in level:
            status = folder.stat()
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            try:
                with os.scandir(folder) as entries:
                    below += [Path(entry.path) for entry in entries if _is_folder(entry)]
            except OSError as error:
                raise DataError(f"folder '{folder}' cannot be listed: {error.strerror}") from None
            yield folder
        level = below


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir() and not entry.name.startswith(
            (".", "VSD.")
        )  # VSD: holds a single file
    except OSError:  # a link to itself
        return False


def _cases_in(folder: Path, releases: tuple[Release, ...]) -> list[Case]:
    """The case of a folder, or the cases that it holds as 4-D files."""
    stacked = [release for release in releases if release.channels]
    if stacked and folder.name in STACKS:
        return [c for release in stacked for c in _stacked_cases(folder, release)]
    case = _case_in(folder, tuple(release for release in releases if not release.channels))
    return [] if case is None else [case]


def _stacked_cases(folder: Path, release: Release) -> Iterator[Case]:
    for path in sorted(folder.iterdir()):
        if (case_id := _stem(path)) and release.case_id.fullmatch(case_id):
            labels = folder.parent / STACKS[folder.name] / path.name
            yield Case(
                id=case_id,
                patient=patient_of(case_id),
                folder=folder,
                release=release,
                images=dict.fromkeys(release.images, path),
                segmentation=labels if labels.exists() or labels.is_symlink() else None,
            )


def _case_in(folder: Path, releases: tuple[Release, ...]) -> Case | None:
    case_id = _id_of(folder)
    files, problems = _image_files(folder, case_id)
    release = release_of(case_id, set(files), releases)
    if release is None:
        # An empty folder named like a case is a case whose files are missing.
        release = next((r for r in releases if r.case_id.fullmatch(case_id)), None)
    if release is None:
        return None
    check_case_id(case_id)
    segmentation = release.segmentation_stem(case_id, files)
    return Case(
        id=case_id,
        patient=patient_of(case_id),
        folder=folder,
        release=release,
        images={m: files[stem] for m, stem in release.image_stems(case_id, files).items()},
        segmentation=None if segmentation is None else files[segmentation],
        problems=problems,
    )


def _id_of(folder: Path) -> str:
    """The name of the folder; a plain number is prefixed with the name of the parent folder."""
    return f"{folder.parent.name}_{folder.name}" if folder.name.isdigit() else folder.name


def _image_files(folder: Path, case_id: str) -> tuple[dict[str, Path], tuple[Problem, ...]]:
    """The image files of a folder by name without extension, and problems with ignored files."""
    files: dict[str, Path] = {}
    problems = []
    # BRATS 2013 and 2015 give each file a folder of its own.
    paths = [*folder.iterdir(), *folder.glob("VSD.*/*")]
    for path in sorted(paths, reverse=True):  # .nii.gz before .nii: as published
        if (stem := _stem(path)) is None:
            continue
        if stem in files:
            what = f"duplicates {files[stem].name} and is not read"
            remedy = "delete one of the two"
            problems.append(Problem(case_id, str(path), what, remedy, is_warning=True))
        else:
            files[stem] = path
    return files, tuple(problems)


def _stem(path: Path) -> str | None:
    """The name of an image file without its extension; None for any other file."""
    return next((path.name.removesuffix(e) for e in ENDINGS if path.name.endswith(e)), None)


def _no_case(root: Path, release: str) -> str:
    names = sorted(path.name for path in root.iterdir())
    shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "") if names else "nothing"
    named = "" if release == "auto" else f" of release {release}"
    return (
        f"no case{named} found in '{root}' or {SEARCH_DEPTH} levels below it; it contains "
        f"{shown}; expected folders such as BraTS-GLI-00000-000/ with "
        "BraTS-GLI-00000-000-t1c.nii.gz in them"
    )
